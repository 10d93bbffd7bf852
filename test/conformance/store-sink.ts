/**
 * What every store's sink must do, as one suite of sentences. A store gives a factory of fresh places to write to;
 * the suite is called inside of a test file.
 */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bytesAccess, readRange } from '../../src/bytes/access.ts';
import type {
  ImageSink,
  OpenedImage,
  OpenedIndex,
  Published,
  StoreOptions,
  TargetImage,
} from '../../src/image/store.ts';
import {
  buildImage,
  buildIndex,
  type FixtureImage,
  type FixtureIndex,
  targetOf,
} from '../fixtures/images.ts';
import { failureOf, mixedImage } from './store-reader.ts';

/** A fresh store that nothing was written to. */
export interface SinkPlace {
  /** A sink into it; may be asked for several times, one after the other. */
  openSink(options: StoreOptions): Promise<ImageSink>;
  /** Opens what was published under `name`, with the reader of the same store. */
  readBack(name: string, options: StoreOptions): Promise<OpenedImage>;
  /** All that is visible in the store, in a form that can be compared. */
  snapshot(): Promise<unknown>;
  /** Opens the index published under `name`; where indexes are taken. */
  readIndex?(name: string, options: StoreOptions): Promise<OpenedIndex | undefined>;
  /** How a name is written where not every name can be given. Default: as it is. */
  nameIn?(name: string): string;
  remove?(): Promise<void>;
}

export interface SinkSubject {
  readonly name: string;
  /** Whether `find` knows images that are there, and `begin` layers that are. */
  readonly knowsWhatIsThere: boolean;
  /** Whether several images live side by side; if not, the newer one replaces the older. Default true. */
  readonly holdsSeveral?: boolean;
  /** Whether it takes whole indexes. Default false. */
  readonly takesIndexes?: boolean;
  /** The ID that `commit` answers. */
  idOf(target: TargetImage): string;
  makePlace(): Promise<SinkPlace>;
}

const NAME = 'didiff.test/sink:1';

export function sinkConformance(subject: SinkSubject): void {
  describe(`the sink of ${subject.name}`, () => {
    const image = mixedImage(200);
    const target = targetOf(image);
    let options: StoreOptions;
    let place: SinkPlace;

    beforeAll(async () => {
      options = { tempDirectory: await mkdtemp(join(tmpdir(), 'didiff-sink-')) };
    });
    afterAll(() => rmSync(options.tempDirectory, { recursive: true, force: true }));
    beforeEach(async () => {
      place = await subject.makePlace();
      return async () => place.remove?.();
    });

    const named = (name = NAME): string => place.nameIn?.(name) ?? name;
    const write = async (written: FixtureImage, names: readonly string[] = [NAME]): Promise<Published> => {
      const sink = await place.openSink(options);
      const wanted = targetOf(written);
      for (const position of await sink.begin(wanted))
        await sink.putLayer(position, pieces(sink, written, position));
      return sink.commit(wanted, names.map(named));
    };
    const expectImage = async (name: string, written: FixtureImage) => {
      const opened = await place.readBack(named(name), options);
      try {
        expect((await opened.readMetadata(options)).config.digest).toBe(written.config.digest);
        const tars = await opened.openTars([...written.layers.keys()], options);
        for (const [at, { tar }] of written.layers.entries()) {
          const found = readRange(tars[at]!.content, 0, tars[at]!.content.sizeBytes, 1 << 26);
          expect(Buffer.from(found).equals(tar)).toBe(true);
        }
        if (opened.hasBlobs) {
          expect((await opened.readMetadata(options)).manifest?.digest).toBe(written.manifest.digest);
          await opened.openBlobs([...written.layers.keys()], options);
        }
      } finally {
        await opened.close();
      }
    };

    it('publishes an image that reads back the same, with its ID and names', async () => {
      const published = await write(image);
      expect(published).toEqual({ id: subject.idOf(target), names: [named()] });
      await expectImage(NAME, image);
    });

    it('gives an image every name it is told', async () => {
      await write(image, [NAME, 'didiff.test/other:2']);
      await expectImage('didiff.test/other:2', image);
      await expectImage(NAME, image);
    });

    it('asks for each different layer once, in ascending order', async () => {
      const sink = await place.openSink(options);
      expect(await sink.begin(target)).toEqual([0, 1, 2, 3]);
      await sink.abort();
    });

    it('says which layers it lacks without changing anything', async () => {
      const before = await place.snapshot();
      const sink = await place.openSink(options);
      const lacking = await sink.findLacking(target);
      expect(await place.snapshot()).toEqual(before);
      expect(await sink.begin(target)).toEqual(lacking);
      await sink.abort();
      expect(await place.snapshot()).toEqual(before);
    });

    it('shows nothing before the commit', async () => {
      const before = await place.snapshot();
      const sink = await place.openSink(options);
      for (const position of await sink.begin(target))
        await sink.putLayer(position, pieces(sink, image, position));
      await expect(place.readBack(named(), options)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await sink.abort();
      expect(await place.snapshot()).toEqual(before);
    });

    it('leaves the store as it was when aborted after begin, between layers, or twice', async () => {
      const before = await place.snapshot();
      for (const puts of [0, 1, 4]) {
        const sink = await place.openSink(options);
        const positions = await sink.begin(target);
        for (const position of positions.slice(0, puts))
          await sink.putLayer(position, pieces(sink, image, position));
        await sink.abort();
        await sink.abort();
        expect(await place.snapshot()).toEqual(before);
      }
    });

    it('leaves the store as it was when the source of a layer fails', async () => {
      const before = await place.snapshot();
      const sink = await place.openSink(options);
      await sink.begin(target);
      const failure = new Error('the source broke');
      await expect(sink.putLayer(0, breaking(storedBytes(sink, image, 0), failure))).rejects.toThrow();
      await sink.abort();
      expect(await place.snapshot()).toEqual(before);
    });

    it('refuses a layer that is shorter or longer than its size, and leaves the store as it was', async () => {
      const before = await place.snapshot();
      for (const change of [-1, 1]) {
        const sink = await place.openSink(options);
        await sink.begin(target);
        const bytes = storedBytes(sink, image, 0);
        const wrong = change < 0 ? bytes.subarray(0, -1) : Buffer.concat([bytes, Uint8Array.of(0)]);
        await expect(sink.putLayer(0, slowly(wrong))).rejects.toThrow(/bytes/);
        await sink.abort();
        expect(await place.snapshot()).toEqual(before);
      }
    });

    it('stops with CANCELLED when its signal is aborted in the middle of a layer', async () => {
      const before = await place.snapshot();
      const stop = new AbortController();
      const sink = await place.openSink({ ...options, signal: stop.signal });
      await sink.begin(target);
      const source = slowly(storedBytes(sink, image, 0), () => stop.abort());
      expect(await failureOf(sink.putLayer(0, source))).toBe('CANCELLED');
      await sink.abort();
      expect(await place.snapshot()).toEqual(before);
    });

    it('refuses to commit while a layer is missing, and leaves the store as it was', async () => {
      const before = await place.snapshot();
      const sink = await place.openSink(options);
      const positions = await sink.begin(target);
      for (const position of positions.slice(0, -1))
        await sink.putLayer(position, pieces(sink, image, position));
      await expect(sink.commit(target, [named()])).rejects.toThrow();
      await sink.abort();
      expect(await place.snapshot()).toEqual(before);
    });

    it('refuses to commit after a layer has failed, and leaves the store as it was', async () => {
      const before = await place.snapshot();
      const sink = await place.openSink(options);
      await sink.begin(target);
      const failing = breaking(storedBytes(sink, image, 0), new Error('the source broke'));
      await expect(sink.putLayer(0, failing)).rejects.toThrow();
      await expect(sink.commit(target, [named()])).rejects.toThrow();
      await sink.abort();
      expect(await place.snapshot()).toEqual(before);
    });

    it('refuses a name that is none with USAGE, and leaves the store as it was', async () => {
      const before = await place.snapshot();
      const sink = await place.openSink(options);
      for (const position of await sink.begin(target))
        await sink.putLayer(position, pieces(sink, image, position));
      await expect(sink.commit(target, ['Not a name'])).rejects.toMatchObject({ code: 'USAGE' });
      await sink.abort();
      expect(await place.snapshot()).toEqual(before);
    });

    it('keeps the image that is there when a second one is aborted', async () => {
      await write(image);
      const before = await place.snapshot();
      const other = mixedImage(300);
      const sink = await place.openSink(options);
      const positions = await sink.begin(targetOf(other));
      await sink.putLayer(positions[0]!, pieces(sink, other, positions[0]!));
      await sink.abort();
      expect(await place.snapshot()).toEqual(before);
      await expectImage(NAME, image);
    });

    it('moves a name to the newer image', async () => {
      await write(image);
      const newer = mixedImage(301);
      await write(newer);
      await expectImage(NAME, newer);
    });

    if (subject.holdsSeveral ?? true)
      it('keeps other images beside a new one', async () => {
        await write(image, ['didiff.test/first:1']);
        const second = mixedImage(302);
        await write(second);
        await expectImage('didiff.test/first:1', image);
        await expectImage(NAME, second);
      });

    it('finds nothing in a store that lacks the image, and changes nothing by it', async () => {
      const before = await place.snapshot();
      expect(await (await place.openSink(options)).find(target)).toBeUndefined();
      expect(await place.snapshot()).toEqual(before);
    });

    if (subject.knowsWhatIsThere)
      it('finds an image that is there, and names it without its layers', async () => {
        await write(image);
        const sink = await place.openSink(options);
        expect(await sink.find(target)).toBe(subject.idOf(target));
        await sink.commit(target, [named('didiff.test/later:1')]);
        await expectImage('didiff.test/later:1', image);
      });

    if (subject.takesIndexes)
      describe('given a whole index', () => {
        const images = [
          mixedImage(500),
          buildImage({ seed: 501, platform: 'linux/arm64', layers: [{}, { seed: 500 }] }),
        ];
        const index = buildIndex(images);
        const whole = wholeTargetOf(index);
        const all = images.flatMap(({ layers }) => layers);
        const put = async (sink: ImageSink, positions: readonly number[]) => {
          for (const position of positions) await sink.putLayer(position, slowly(all[position]!.blob.bytes));
        };

        it('asks for each layer of all images once, and shows nothing before the commit', async () => {
          const before = await place.snapshot();
          const sink = await place.openSink(options);
          expect(sink.takesIndexes).toBe(true);
          expect(await sink.find(whole)).toBeUndefined();
          const positions = await sink.begin(whole);
          // The fifth, of another image, is the second once more.
          expect(positions).toEqual([0, 1, 2, 3, 5]);
          await put(sink, positions);
          await sink.abort();
          expect(await place.snapshot()).toEqual(before);
        });

        it('publishes it under its own digest, with all that it names', async () => {
          const sink = await place.openSink(options);
          await put(sink, await sink.begin(whole));
          expect((await sink.commit(whole, [named()])).id).toBe(index.index.digest);
          for (const image of images) {
            const opened = await place.readBack(named(), {
              ...options,
              platform: image.platform,
            } as StoreOptions);
            const metadata = await opened.readMetadata(options);
            expect(metadata.manifest?.digest).toBe(image.manifest.digest);
            expect(metadata.index?.digest).toBe(index.index.digest);
            await opened.openBlobs([...image.layers.keys()], options);
            await opened.close();
          }
          const read = (await place.readIndex!(named(), options))!;
          expect(read.others.map(({ digest }) => digest)).toEqual(
            index.attestations.map(({ manifest }) => manifest.digest),
          );
          for (const { config, layers } of index.attestations)
            for (const blob of [config, ...layers.map((layer) => layer.blob)])
              await read.openBlob({ ...blob, sizeBytes: blob.bytes.length, annotations: {} }, options);
          await read.close();
        });

        if (subject.knowsWhatIsThere)
          it('knows it when it is there, and lacks the rest when only one image is', async () => {
            await write(images[0]!);
            const sink = await place.openSink(options);
            expect(await sink.find(whole)).toBeUndefined();
            const positions = await sink.begin(whole);
            expect(positions).toEqual([5]);
            await put(sink, positions);
            await sink.commit(whole, [named()]);
            expect(await (await place.openSink(options)).find(whole)).toBe(index.index.digest);
          });
      });

    if (subject.knowsWhatIsThere)
      it('asks only for the layers that are not there yet', async () => {
        await write(image);
        // A common beginning: classic engines know a layer by all those below it.
        const next = buildImage({ seed: 400, layers: [{ seed: 200 }, { seed: 401 }] });
        expect(next.layers[0]!.blob.digest).toBe(image.layers[0]!.blob.digest);
        const sink = await place.openSink(options);
        expect(await sink.begin(targetOf(next))).toEqual([1]);
        await sink.putLayer(1, pieces(sink, next, 1));
        await sink.commit(targetOf(next), [named()]);
        await expectImage(NAME, next);
      });
  });
}

/** All of it as one target, as those who apply bundles tell of it. */
function wholeTargetOf({ index, images, attestations }: FixtureIndex): TargetImage {
  const [first, ...others] = images;
  const blobs = [
    ...others.map(({ config }) => config),
    ...attestations.flatMap(({ config, layers }) => [config, ...layers.map(({ blob }) => blob)]),
  ];
  return {
    ...targetOf(first!, index),
    layers: images.flatMap((image) => targetOf(image).layers),
    rest: {
      manifests: [...others, ...attestations].map(({ manifest }) => manifest),
      blobs: [
        ...new Map(
          blobs.map(({ digest, bytes }) => [digest, { digest, content: bytesAccess(bytes) }]),
        ).values(),
      ],
    },
  };
}

function storedBytes(sink: ImageSink, image: FixtureImage, position: number): Uint8Array {
  const { tar, blob } = image.layers[position]!;
  return sink.takes === 'tar' ? tar : blob.bytes;
}

function pieces(sink: ImageSink, image: FixtureImage, position: number): AsyncIterable<Uint8Array> {
  return slowly(storedBytes(sink, image, position));
}

/** Several pieces in one buffer that is used again, as the contract allows. */
async function* slowly(bytes: Uint8Array, afterFirst = () => {}): AsyncGenerator<Uint8Array> {
  const step = Math.max(1, Math.ceil(bytes.length / 3));
  const buffer = new Uint8Array(step);
  for (let at = 0; at < bytes.length; at += step) {
    const piece = buffer.subarray(0, Math.min(step, bytes.length - at));
    piece.set(bytes.subarray(at, at + piece.length));
    yield piece;
    buffer.fill(0xee);
    await Promise.resolve();
    afterFirst();
  }
}

async function* breaking(bytes: Uint8Array, failure: Error): AsyncGenerator<Uint8Array> {
  yield bytes.subarray(0, bytes.length >> 1);
  throw failure;
}
