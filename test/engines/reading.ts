/** What must hold for reading from every kind of engine. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type RandomAccess, readRange } from '../../src/bytes/access.ts';
import { type Digest, digestHex, sha256 } from '../../src/bytes/digest.ts';
import { DidiffError } from '../../src/errors.ts';
import { closestImage, findImageWithLayers } from '../../src/stores/engine/base.ts';
import { type Engine, openEngine } from '../../src/stores/engine/kind.ts';
import { openEngineImage } from '../../src/stores/engine/read.ts';
import { resolveImage } from '../../src/stores/engine/resolve.ts';
import { buildImage } from '../fixtures/images.ts';
import type { RunningEngine } from './daemon.ts';
import { imageIds, seedImage } from './images.ts';

export const failureOf = async (work: Promise<unknown>): Promise<DidiffError> => {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DidiffError);
  return error as DidiffError;
};

export const digestOf = (content: RandomAccess): Digest =>
  sha256(readRange(content, 0, content.sizeBytes, 1 << 30));

const IMAGE = buildImage({ seed: 100, layers: [{}, { files: 3 }, {}] });
const NEWER = buildImage({
  seed: 100,
  label: 'newer',
  layers: [{ seed: 100 }, { seed: 101, files: 3 }, { seed: 190 }],
});
/** Its middle layer is its first again. */
const REPEATING = buildImage({ seed: 200, layers: [{ seed: 1 }, { seed: 2 }, { seed: 1 }] });

export function testReading(running: () => RunningEngine): void {
  describe('reading', () => {
    let engine: Engine;
    let id: Digest;
    const options = () => ({ tempDirectory: running().directory });

    beforeAll(async () => {
      engine = await openEngine({ host: running().host });
      id = seedImage(running(), IMAGE, 'shop/api:1');
      seedImage(running(), NEWER, 'shop/api:2');
      seedImage(running(), REPEATING, 'repeating:1');
    });
    afterAll(() => engine.close());

    test('the engine is recognised', () => {
      expect(engine.kind).toBe(running().kind);
      expect(engine.platform.os).toBe('linux');
    });

    test('an image opens with its layers and platform, and gives its tars and documents', async () => {
      const image = await openEngineImage(engine, 'shop/api:1', options());
      expect(image.diffIds).toEqual(IMAGE.layers.map(({ diffId }) => diffId));
      expect(image.platform).toMatchObject({ os: 'linux', architecture: 'amd64' });
      const tars = await image.openTars([0, 1, 2], options());
      expect(tars.map(({ content }) => digestOf(content))).toEqual(image.diffIds);
      const { config, manifest } = await image.readMetadata(options());
      expect(Buffer.from(config.bytes)).toEqual(Buffer.from(IMAGE.config.bytes));
      expect(config.digest).toBe(IMAGE.config.digest);
      expect(manifest?.digest).toBe(engine.kind === 'containerd' ? IMAGE.manifest.digest : undefined);
      expect(image.hasBlobs).toBe(engine.kind === 'containerd');
      await image.close();
    });

    test('documents alone, then layers in any order, one by one', async () => {
      const image = await openEngineImage(engine, id, options());
      expect((await image.readMetadata(options())).config.digest).toBe(IMAGE.config.digest);
      for (const position of [2, 0]) {
        const [tar] = await image.openTars([position], options());
        expect(digestOf(tar!.content)).toBe(IMAGE.layers[position]!.diffId);
      }
      await image.close();
    });

    test('calls at the same time do not disturb each other', async () => {
      const image = await openEngineImage(engine, 'shop/api:1', options());
      const [one, two, metadata] = await Promise.all([
        image.openTars([1], options()),
        image.openTars([2, 0], options()),
        image.readMetadata(options()),
      ]);
      expect(digestOf(one[0]!.content)).toBe(IMAGE.layers[1]!.diffId);
      expect(two.map(({ content }) => digestOf(content))).toEqual(
        [2, 0].map((at) => IMAGE.layers[at]!.diffId),
      );
      expect(metadata.config.digest).toBe(IMAGE.config.digest);
      await image.close();
    });

    test('a layer that an image has twice is read at both places', async () => {
      const image = await openEngineImage(engine, 'repeating:1', options());
      const tars = await image.openTars([2, 1, 0], options());
      expect(tars.map(({ content }) => digestOf(content))).toEqual([...image.diffIds].reverse());
      await image.close();
    });

    test('an image is found by name, whole ID, and the start of its ID', async () => {
      for (const reference of [
        'shop/api:1',
        id,
        digestHex(id),
        digestHex(id).slice(0, 12),
        id.slice(0, 20),
      ]) {
        expect((await resolveImage(engine, reference)).id, reference).toBe(id);
      }
    });

    test('a start that several IDs share is an error that lists them', async () => {
      const starts = new Map<string, string[]>();
      for (let seed = 300; ; seed++) {
        for (const known of imageIds(running())) {
          const start = known.slice('sha256:'.length)[0]!;
          starts.set(start, [...new Set([...(starts.get(start) ?? []), known])]);
        }
        const shared = [...starts].find(([, ids]) => ids.length > 1);
        if (shared === undefined) {
          seedImage(running(), buildImage({ seed, layers: [{ seed: 1 }] }), `many:${seed}`);
          continue;
        }
        const [start, ids] = shared;
        const error = await failureOf(resolveImage(engine, start));
        expect(error.code).toBe('USAGE');
        for (const known of ids) expect(error.message).toContain(known.slice(7, 19));
        return;
      }
    });

    test('an image that is not there is not found, and similar names are told', async () => {
      const error = await failureOf(openEngineImage(engine, 'api:9', options()));
      expect(error.code).toBe('NOT_FOUND');
      expect(error.hint).toContain('pull api:9');
      expect(error.hint).toContain('shop/api:1');
      expect((await failureOf(resolveImage(engine, `sha256:${'0'.repeat(64)}`))).code).toBe('NOT_FOUND');
      expect((await failureOf(resolveImage(engine, 'Bad Name'))).code).toBe('USAGE');
      expect((await failureOf(resolveImage(engine, '../../info'))).code).toBe('USAGE');
    });

    test('an image of another platform than asked for is not found', async () => {
      const platform = { os: 'linux', architecture: 's390x' };
      const error = await failureOf(openEngineImage(engine, 'shop/api:1', { ...options(), platform }));
      expect(error.code).toBe('NOT_FOUND');
      expect(error.message).toContain('s390x');
    });

    test('a base is found by its layers, and the closest one is told when there is none', async () => {
      const [first, , third] = NEWER.layers.map(({ diffId }) => diffId);
      const base = await findImageWithLayers(engine, [third!, first!]);
      expect(base?.names.join()).toContain('shop/api:2');
      const other = `sha256:${'0'.repeat(64)}` as Digest;
      expect(await findImageWithLayers(engine, [first!, other])).toBeUndefined();
      expect((await closestImage(engine, [third!, other]))?.missing).toEqual([other]);
      expect((await closestImage(engine, [third!, other]))?.names.join()).toContain('shop/api:2');
    });

    test('an abort ends the reading at once, and the image can be read again', async () => {
      const image = await openEngineImage(engine, 'shop/api:1', options());
      const controller = new AbortController();
      const onProgress = (): void => controller.abort();
      const reading = image.openTars([0, 1, 2], { ...options(), signal: controller.signal, onProgress });
      await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
      await sleep(20);
      const tars = await image.openTars([0, 1, 2], options());
      expect(tars.map(({ content }) => digestOf(content))).toEqual(image.diffIds);
      await image.close();
    });
  });
}
