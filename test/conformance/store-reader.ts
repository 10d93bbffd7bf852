/**
 * What every store's reader must do, as one suite of sentences. A store gives a factory that puts an image into a
 * fresh store and says how to open it; the suite is called inside of a test file.
 */
import { readdirSync, rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readRange } from '../../src/bytes/access.ts';
import { toDidiffError } from '../../src/errors.ts';
import { parseManifest } from '../../src/image/manifest.ts';
import type { OpenedImage, OpenOptions, StoreOptions } from '../../src/image/store.ts';
import { buildImage, type FixtureImage } from '../fixtures/images.ts';

export interface ReaderSubject {
  readonly name: string;
  /** Whether it keeps the manifest and the blobs. */
  readonly keepsBlobs: boolean;
  /** Whether it can hold images without layers. Default true. */
  readonly takesNoLayers?: boolean;
  /** Puts `image` into a store under the name `didiff.test/reader:1`, and answers how to open it. */
  makeReader(image: FixtureImage): Promise<(options: OpenOptions) => Promise<OpenedImage>>;
}

/** Layers of every compression, an empty one, and one that is there twice. */
export function mixedImage(seed: number): FixtureImage {
  return buildImage({
    seed,
    layers: [
      { compression: 'gzip' },
      { compression: 'zstd', files: 40 },
      { compression: 'none' },
      { compression: 'gzip', tar: new Uint8Array(1024) },
      { compression: 'gzip', seed },
    ],
  });
}

export function readerConformance(subject: ReaderSubject): void {
  describe(`the reader of ${subject.name}`, () => {
    const image = mixedImage(100);
    const all = [...image.layers.keys()];
    let options: StoreOptions;
    let open: (options: OpenOptions) => Promise<OpenedImage>;

    beforeAll(async () => {
      options = { tempDirectory: await mkdtemp(join(tmpdir(), 'didiff-reader-')) };
      open = await subject.makeReader(image);
    });
    afterAll(() => rmSync(options.tempDirectory, { recursive: true, force: true }));

    const withImage = async (work: (opened: OpenedImage) => Promise<void>) => {
      const opened = await open(options);
      try {
        await work(opened);
      } finally {
        await opened.close();
      }
    };

    it('gives the config byte for byte, the diffIDs and the platform', () =>
      withImage(async (opened) => {
        const { config } = await opened.readMetadata(options);
        expect(config.digest).toBe(image.config.digest);
        expect(Buffer.from(config.bytes).equals(image.config.bytes)).toBe(true);
        expect(opened.diffIds).toEqual(image.layers.map((layer) => layer.diffId));
        expect(opened.platform).toEqual({ os: 'linux', architecture: 'amd64' });
      }));

    it('gives the manifest byte for byte where the store keeps one, and else none', () =>
      withImage(async (opened) => {
        const { manifest } = await opened.readMetadata(options);
        expect(opened.hasBlobs).toBe(subject.keepsBlobs);
        expect(manifest?.digest).toBe(subject.keepsBlobs ? image.manifest.digest : undefined);
      }));

    it('gives every layer tar, also one that is there twice, in the order asked for', () =>
      withImage(async (opened) => {
        const order = all.toReversed();
        const tars = await opened.openTars(order, options);
        expect(tars.map((tar) => tar.diffId)).toEqual(
          order.map((position) => image.layers[position]!.diffId),
        );
        for (const [at, position] of order.entries()) {
          const { tar } = image.layers[position]!;
          expect(tars[at]!.content.sizeBytes).toBe(tar.length);
          expect(Buffer.from(readRange(tars[at]!.content, 0, tar.length, tar.length)).equals(tar)).toBe(true);
        }
      }));

    it('gives parts of a layer tar in any order', () =>
      withImage(async (opened) => {
        const [tar] = await opened.openTars([1], options);
        const wanted = image.layers[1]!.tar;
        for (const start of [wanted.length - 7, 0, 4096, 511]) {
          expect([...readRange(tar!.content, start, 7, 7)]).toEqual([...wanted.subarray(start, start + 7)]);
        }
        expect(() => tar!.content.readAt(wanted.length - 3, new Uint8Array(4))).toThrow(RangeError);
      }));

    it('gives the same tars when asked again', () =>
      withImage(async (opened) => {
        const [first] = await opened.openTars([0], options);
        const [again] = await opened.openTars([0], options);
        const size = image.layers[0]!.tar.length;
        expect(readRange(again!.content, 0, size, size)).toEqual(readRange(first!.content, 0, size, size));
      }));

    if (subject.keepsBlobs)
      it('gives every blob as stored, as the manifest names it', () =>
        withImage(async (opened) => {
          const { manifest } = await opened.readMetadata(options);
          const blobs = await opened.openBlobs(all, options);
          for (const [at, layer] of parseManifest(manifest!.bytes, 'manifest').layers.entries()) {
            const found = readRange(blobs[at]!, 0, layer.sizeBytes, 1 << 24);
            expect(Buffer.from(found).equals(image.layers[at]!.blob.bytes)).toBe(true);
          }
        }));

    if (subject.takesNoLayers ?? true)
      it('opens an image without layers', async () => {
        const opened = await (await subject.makeReader(buildImage({ seed: 101, layers: [] })))(options);
        expect(opened.diffIds).toEqual([]);
        expect(await opened.openTars([], options)).toEqual([]);
        await opened.close();
      });

    it('stops with CANCELLED when its signal is aborted, and can be used again', () =>
      withImage(async (opened) => {
        const signal = AbortSignal.abort();
        expect(await failureOf(opened.openTars([0], { ...options, signal }))).toBe('CANCELLED');
        expect(await opened.openTars([0], options)).toHaveLength(1);
      }));

    it('leaves no file open and none behind once it is closed, also when closed twice', async () => {
      const before = countOpenFiles();
      const opened = await open(options);
      await opened.openTars(all, options);
      await opened.close();
      await opened.close();
      expect(countOpenFiles()).toBe(before);
      expect(readdirSync(options.tempDirectory)).toEqual([]);
    });
  });
}

/** The code of the error that the work ends in, as a user gets to see it. */
export async function failureOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    return toDidiffError(error).code;
  }
  return 'none';
}

/** Open regular files of this process; 0 where the system doesn't tell. */
function countOpenFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0;
  }
}
