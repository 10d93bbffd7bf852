/** What must hold for writing into every kind of engine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Digest } from '../../src/bytes/digest.ts';
import type { ImageSink, TargetImage } from '../../src/image/store.ts';
import { type Engine, openEngine } from '../../src/stores/engine/kind.ts';
import { openEngineSink } from '../../src/stores/engine/write.ts';
import { buildImage, type FixtureImage, targetOf } from '../fixtures/images.ts';
import type { RunningEngine } from './daemon.ts';
import { imageIds, savedDigests, seedImage } from './images.ts';
import { type CountingProxy, startProxy } from './proxy.ts';
import { failureOf } from './reading.ts';

/** A base of one large layer that every compressor leaves large, and a small one on top. */
const LARGE = { seed: 500, files: 40, fileBytes: 50_000 };
const BASE = buildImage({ seed: 500, label: 'base', layers: [LARGE, { seed: 501 }] });
const UPDATE = buildImage({ seed: 500, label: 'update', layers: [LARGE, { seed: 502 }, { seed: 503 }] });
const ALONE = buildImage({ seed: 600, layers: [{}, {}] });
const REPEATING = buildImage({ seed: 610, layers: [{ seed: 611 }, { seed: 612 }, { seed: 611 }] });
const ABORTED = buildImage({ seed: 620, layers: [{ files: 40, fileBytes: 50_000 }, {}] });

export async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  // One buffer for all pieces, as the contract allows: whoever keeps a piece reads wrong bytes.
  const buffer = new Uint8Array(10_000);
  for (let at = 0; at < bytes.length; at += buffer.length) {
    const piece = buffer.subarray(0, Math.min(buffer.length, bytes.length - at));
    piece.set(bytes.subarray(at, at + piece.length));
    yield piece;
  }
  buffer.fill(0xff);
}

const contentOf = (sink: ImageSink, image: FixtureImage, position: number): Uint8Array =>
  sink.takes === 'tar' ? image.layers[position]!.tar : image.layers[position]!.blob.bytes;

export const idIn = (engine: Engine, target: TargetImage): Digest =>
  engine.kind === 'containerd' ? (target.index ?? target.manifest).digest : target.config.digest;

/** Writes the image; gives the positions that were asked for. */
export async function write(
  sink: ImageSink,
  image: FixtureImage,
  names: readonly string[],
  target = targetOf(image),
) {
  const lacking = await sink.begin(target);
  for (const position of lacking) {
    await sink.putLayer(position, piecesOf(contentOf(sink, image, position)));
  }
  return { lacking, published: await sink.commit(target, names) };
}

export function testWriting(running: () => RunningEngine): void {
  describe('writing', () => {
    let engine: Engine;
    let proxy: CountingProxy;
    const options = () => ({ tempDirectory: running().directory });

    beforeAll(async () => {
      proxy = await startProxy(running());
      engine = await openEngine({ host: proxy.host });
      seedImage(running(), BASE, 'base:1');
    });
    afterAll(async () => {
      engine.close();
      await proxy.stop();
    });

    const namesOf = (id: Digest): string[] =>
      JSON.parse(running().docker('image', 'inspect', '--format', '{{json .RepoTags}}', id)) as string[];
    const idOf = (name: string): string =>
      running().docker('image', 'inspect', '--format', '{{.Id}}', name).trim();
    const expectWhole = (id: Digest, image: FixtureImage): void => {
      const saved = savedDigests(running(), id);
      expect(saved).toContain(image.config.digest);
      for (const layer of image.layers) {
        expect(saved).toContain(engine.kind === 'containerd' ? layer.blob.digest : layer.diffId);
      }
    };

    test('of an update of a base that is there only the new layers are sent', async () => {
      proxy.reset();
      const { lacking, published } = await write(openEngineSink(engine, options()), UPDATE, ['update:1']);
      const id = idIn(engine, targetOf(UPDATE));
      expect(published).toEqual({ id, names: ['update:1'] });
      expectWhole(id, UPDATE);
      if (engine.kind === 'podman') {
        expect(lacking).toEqual([0, 1, 2]);
      } else {
        expect(lacking).toEqual([1, 2]);
        const [large, ...small] = UPDATE.layers.map(({ tar, blob }) =>
          engine.kind === 'containerd' ? blob.bytes.length : tar.length,
        );
        expect(proxy.sentBytes()).toBeLessThan(small[0]! + small[1]! + 20_000);
        expect(proxy.sentBytes()).toBeLessThan(large!);
      }
    });

    test('the update stays whole when its base is removed', () => {
      running().docker('rmi', 'base:1');
      expectWhole(idIn(engine, targetOf(UPDATE)), UPDATE);
    });

    test('without a base every layer is sent; the names come out as docker prints them', async () => {
      const names = ['docker.io/library/alone:1', 'alone', 'localhost:5000/team/alone:x', 'alone:1'];
      const { lacking, published } = await write(openEngineSink(engine, options()), ALONE, names);
      const id = idIn(engine, targetOf(ALONE));
      expect(lacking).toEqual([0, 1]);
      expect(published).toEqual({ id, names: ['alone:1', 'alone:latest', 'localhost:5000/team/alone:x'] });
      expect(namesOf(id).map((name) => name.replace('docker.io/library/', ''))).toEqual(
        expect.arrayContaining(['alone:1', 'alone:latest', 'localhost:5000/team/alone:x']),
      );
      expectWhole(id, ALONE);
    });

    test('what is already there is found, and only gets its name', async () => {
      const target = targetOf(ALONE);
      const sink = openEngineSink(engine, options());
      expect(await sink.find(target)).toBe(idIn(engine, target));
      proxy.reset();
      expect((await sink.commit(target, ['again:1'])).id).toBe(idIn(engine, target));
      expect(proxy.sentBytes()).toBeLessThan(10_000);
      expect(idOf('again:1')).toBe(idIn(engine, target));
    });

    test('without a name the image is there by its ID', async () => {
      const nameless = buildImage({ seed: 630, layers: [{}] });
      const { published } = await write(openEngineSink(engine, options()), nameless, []);
      expect(published.names).toEqual([]);
      expectWhole(published.id, nameless);
    });

    test('a layer that repeats is sent once', async () => {
      const { lacking, published } = await write(openEngineSink(engine, options()), REPEATING, [
        'repeating:2',
      ]);
      expect(lacking).toEqual([0, 1]);
      expectWhole(published.id, REPEATING);
    });

    test('a name is taken over from the image that had it', async () => {
      const next = buildImage({ seed: 640, layers: [{}] });
      await write(openEngineSink(engine, options()), next, ['again:1']);
      expect(idOf('again:1')).toBe(idIn(engine, targetOf(next)));
    });

    test('what is not there is not found, and can not be named', async () => {
      const sink = openEngineSink(engine, options());
      expect(await sink.find(targetOf(ABORTED))).toBeUndefined();
      expect((await failureOf(sink.commit(targetOf(ABORTED), ['no:1']))).code).toBe('NOT_FOUND');
    });

    const expectNothing = (before: readonly string[]): void => {
      expect(imageIds(running())).toEqual(before);
      expect(running().docker('images', '-q', 'never:1')).toBe('');
    };
    /** Also what the engine's list may hide. */
    const expectUnknown = (id: Digest): void => {
      expect(() => running().docker('image', 'inspect', id)).toThrow(/[Nn]o such image|failed to find image/);
    };

    test('an abort in the middle of a layer leaves no image', async () => {
      const before = imageIds(running());
      const controller = new AbortController();
      const sink = openEngineSink(engine, { ...options(), signal: controller.signal });
      const [first] = await sink.begin(targetOf(ABORTED));
      const content = contentOf(sink, ABORTED, first!);
      const endless = async function* (): AsyncGenerator<Uint8Array> {
        yield content.subarray(0, content.length >> 1);
        controller.abort();
        yield content.subarray(content.length >> 1);
      };
      await expect(sink.putLayer(first!, endless())).rejects.toMatchObject({ code: 'CANCELLED' });
      await sink.abort();
      expectNothing(before);
      expectUnknown(idIn(engine, targetOf(ABORTED)));
    });

    test('an abort when everything was sent leaves no image', async () => {
      const before = imageIds(running());
      const controller = new AbortController();
      const sink = openEngineSink(engine, { ...options(), signal: controller.signal });
      for (const position of await sink.begin(targetOf(ABORTED))) {
        await sink.putLayer(position, piecesOf(contentOf(sink, ABORTED, position)));
      }
      const committing = sink.commit(targetOf(ABORTED), ['never:1']);
      setTimeout(() => controller.abort(), 5);
      await expect(committing).rejects.toMatchObject({ code: 'CANCELLED' });
      await sink.abort();
      expectNothing(before);
      expectUnknown(idIn(engine, targetOf(ABORTED)));
    });

    test('abort while the engine unpacks waits for it, and leaves no image', async () => {
      const before = imageIds(running());
      const sink = openEngineSink(engine, options());
      for (const position of await sink.begin(targetOf(ABORTED))) {
        await sink.putLayer(position, piecesOf(contentOf(sink, ABORTED, position)));
      }
      const committing = failureOf(sink.commit(targetOf(ABORTED), ['never:1']));
      await sleep(5);
      await sink.abort();
      expect((await committing).code).toBe('CANCELLED');
      expectNothing(before);
      await sleep(300);
      expectUnknown(idIn(engine, targetOf(ABORTED)));
    });

    test('what somebody else brought and named meanwhile is not removed', async (context) => {
      // A store over containerd takes a blob from one at a time: the other would wait for us.
      if (engine.kind === 'containerd') context.skip();
      const controller = new AbortController();
      const sink = openEngineSink(engine, { ...options(), signal: controller.signal });
      for (const position of await sink.begin(targetOf(ABORTED))) {
        await sink.putLayer(position, piecesOf(contentOf(sink, ABORTED, position)));
      }
      const id = seedImage(running(), ABORTED, 'theirs:1');
      const committing = failureOf(sink.commit(targetOf(ABORTED), ['never:1']));
      setTimeout(() => controller.abort(), 5);
      expect((await committing).code).toBe('CANCELLED');
      expect(idOf('theirs:1')).toBe(id);
      running().docker('rmi', 'theirs:1');
    });

    test('abort without a signal works too, at any time', async () => {
      const before = imageIds(running());
      const sink = openEngineSink(engine, options());
      await sink.abort();
      const other = openEngineSink(engine, options());
      const [first] = await other.begin(targetOf(ABORTED));
      await other.putLayer(first!, piecesOf(contentOf(other, ABORTED, first!)));
      await other.abort();
      await other.abort();
      expectNothing(before);
    });

    test('a connection that is cut is an error, and leaves no image', async () => {
      const before = imageIds(running());
      const sink = openEngineSink(engine, options());
      const [first] = await sink.begin(targetOf(ABORTED));
      const content = contentOf(sink, ABORTED, first!);
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield content.subarray(0, content.length >> 1);
        await sleep(50);
        proxy.cut();
        yield content.subarray(content.length >> 1);
      };
      const writing = (async () => {
        await sink.putLayer(first!, broken());
        await sink.putLayer(1, piecesOf(contentOf(sink, ABORTED, 1)));
        await sink.commit(targetOf(ABORTED), ['never:1']);
      })();
      expect((await failureOf(writing)).code).toBe('UNREACHABLE');
      await sink.abort();
      expectNothing(before);
    });

    test('a layer of other bytes is refused by the engine, with its reason', async () => {
      const before = imageIds(running());
      const damaged: FixtureImage = {
        ...ABORTED,
        layers: ABORTED.layers.map((layer) => ({
          ...layer,
          tar: Uint8Array.from(layer.tar, (byte, at) => (at === 2000 ? byte ^ 1 : byte)),
          blob: {
            ...layer.blob,
            bytes: Uint8Array.from(layer.blob.bytes, (byte, at) => (at === 2000 ? byte ^ 1 : byte)),
          },
        })),
      };
      const sink = openEngineSink(engine, options());
      const error = await failureOf(write(sink, damaged, ['never:1'], targetOf(ABORTED)));
      expect(['STORAGE', 'RESULT_MISMATCH']).toContain(error.code);
      expect(error.message.length).toBeGreaterThan(40);
      await sink.abort();
      expectNothing(before);
      expectUnknown(idIn(engine, targetOf(ABORTED)));
    });

    test('a config that is not what its digest says ends as a mismatch, and is removed', async () => {
      const before = imageIds(running());
      const bytes = Buffer.from(Buffer.from(ABORTED.config.bytes).toString().replace('2024', '2025'));
      const target = { ...targetOf(ABORTED), config: { ...ABORTED.config, bytes } };
      const sink = openEngineSink(engine, options());
      const error = await failureOf(write(sink, ABORTED, ['never:1'], target));
      expect(['STORAGE', 'RESULT_MISMATCH']).toContain(error.code);
      if (engine.kind !== 'containerd') expect(error.code).toBe('RESULT_MISMATCH');
      await sink.abort();
      expectNothing(before);
    });

    test('a layer that is shorter or longer than announced is an error', async () => {
      const before = imageIds(running());
      for (const change of [-1, 1]) {
        const sink = openEngineSink(engine, options());
        const [first] = await sink.begin(targetOf(ABORTED));
        const content = contentOf(sink, ABORTED, first!);
        const bytes = Buffer.concat([content, Buffer.alloc(1)]).subarray(0, content.length + change);
        expect((await failureOf(sink.putLayer(first!, piecesOf(bytes)))).code).toBe('RESULT_MISMATCH');
        await sink.abort();
      }
      expectNothing(before);
    });

    test('names that can not be are refused before anything is there', async () => {
      const before = imageIds(running());
      const sink = openEngineSink(engine, options());
      const error = await failureOf(write(sink, ABORTED, ['never:1', 'Not A Name']));
      expect(error.code).toBe('USAGE');
      await sink.abort();
      expectNothing(before);
    });
  });
}
