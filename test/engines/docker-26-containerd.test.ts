import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Digest } from '../../src/bytes/digest.ts';
import { type Engine, openEngine } from '../../src/stores/engine/kind.ts';
import { openEngineImage } from '../../src/stores/engine/read.ts';
import { openEngineSink } from '../../src/stores/engine/write.ts';
import { buildImage, buildIndex, type FixtureImage, targetOf } from '../fixtures/images.ts';
import { testConformance } from './conforming.ts';
import type { RunningEngine } from './daemon.ts';
import { imageIds, savedDigests, seedImage, seedIndex } from './images.ts';
import { digestOf, failureOf, testReading } from './reading.ts';
import { describeEngine } from './suite.ts';
import { piecesOf, testWriting, write } from './writing.ts';

const AMD = buildImage({ seed: 700, layers: [{}, {}] });
const ARM = buildImage({ seed: 710, platform: 'linux/arm64/v8', layers: [{}, {}] });
const INDEX = buildIndex([ARM, AMD]);

describeEngine('docker-26-containerd', (engine) => {
  testReading(engine);
  testWriting(engine);
  testBlobs(engine);
  testIndexes(engine);
  testConformance('containerd', engine);
});

function testBlobs(running: () => RunningEngine): void {
  describe('blobs', () => {
    let engine: Engine;
    const options = () => ({ tempDirectory: running().directory });
    beforeAll(async () => {
      engine = await openEngine({ host: running().host });
    });
    afterAll(() => engine.close());

    const ZSTD = buildImage({
      seed: 720,
      layers: [{ compression: 'zstd' }, { compression: 'none' }, { compression: 'gzip' }, { seed: 720 }],
    });

    test('layers of every compression are read as blobs, and as tars made of these', async () => {
      seedImage(running(), ZSTD, 'zstd:1');
      const image = await openEngineImage(engine, 'zstd:1', options());
      const blobs = await image.openBlobs([3, 2, 1, 0], options());
      expect(blobs.map(digestOf)).toEqual(ZSTD.layers.map(({ blob }) => blob.digest).reverse());
      const tars = await image.openTars([0, 1, 2, 3], options());
      expect(tars.map(({ content }) => digestOf(content))).toEqual(image.diffIds);
      await image.close();
    });

    test('tars first, then blobs', async () => {
      const image = await openEngineImage(engine, 'zstd:1', options());
      const tars = await image.openTars([0, 1], options());
      expect(tars.map(({ content }) => digestOf(content))).toEqual(image.diffIds.slice(0, 2));
      const blobs = await image.openBlobs([0, 1], options());
      expect(blobs.map(digestOf)).toEqual(ZSTD.layers.slice(0, 2).map(({ blob }) => blob.digest));
      await image.close();
    });

    /** The layers of ZSTD, each compressed otherwise than there. */
    const OTHERWISE = buildImage({
      seed: 720,
      layers: [
        { compression: 'gzip' },
        { compression: 'gzip' },
        { compression: 'zstd' },
        { seed: 720, compression: 'none' },
      ],
    });

    test('the same layer in another compression is sent: it is another blob', async () => {
      const { lacking, published } = await write(openEngineSink(engine, options()), OTHERWISE, [
        'otherwise:1',
      ]);
      // The last of ZSTD is its first layer as gzip.
      expect(lacking).toEqual([1, 2, 3]);
      expect(published.id).toBe(OTHERWISE.manifest.digest);
      const saved = savedDigests(running(), 'otherwise:1');
      for (const { blob } of OTHERWISE.layers) expect(saved).toContain(blob.digest);
    });

    test('an image that the engine took without all blobs is a mismatch, and is removed', async () => {
      const before = imageIds(running());
      // The engine has the snapshots of both layers, so it unpacks nothing and misses no blob; the second it lacks.
      const image = buildImage({ seed: 720, label: 'lost', layers: [{}, { compression: 'zstd' }] });
      const claimed = image.layers.map(({ blob }) => blob.digest);
      const lying: Engine = { ...engine, blobsOfImages: new Map() };
      for (const id of before) lying.blobsOfImages.set(id as Digest, claimed);
      const error = await failureOf(write(openEngineSink(lying, options()), image, ['lost:1']));
      expect(error.code).toBe('RESULT_MISMATCH');
      expect(imageIds(running())).toEqual(before);
      expect(() => running().docker('image', 'inspect', image.manifest.digest)).toThrow();
      expect(() => running().docker('image', 'inspect', 'lost:1')).toThrow();
    });
  });
}

function testIndexes(running: () => RunningEngine): void {
  describe('indexes', () => {
    let engine: Engine;
    const options = () => ({ tempDirectory: running().directory });
    beforeAll(async () => {
      engine = await openEngine({ host: running().host });
    });
    afterAll(() => engine.close());

    const expectImage = async (name: string, image: FixtureImage, architecture?: string): Promise<void> => {
      const platform = architecture === undefined ? undefined : { os: 'linux', architecture };
      const opened = await openEngineImage(engine, name, { ...options(), platform });
      expect(opened.diffIds).toEqual(image.layers.map(({ diffId }) => diffId));
      const metadata = await opened.readMetadata(options());
      expect(metadata.index?.digest).toBe(INDEX.index.digest);
      expect(metadata.manifest?.digest).toBe(image.manifest.digest);
      expect(metadata.config.digest).toBe(image.config.digest);
      const blobs = await opened.openBlobs([0, 1], options());
      expect(blobs.map(digestOf)).toEqual(image.layers.map(({ blob }) => blob.digest));
      await opened.close();
    };

    test('an index of which one platform is there is written, and keeps its digest as the ID', async () => {
      const target = targetOf(AMD, INDEX.index);
      const sink = openEngineSink(engine, options());
      expect(await sink.find(target)).toBeUndefined();
      const { lacking, published } = await write(sink, AMD, ['indexed:1', 'team/indexed:1'], target);
      expect(lacking).toEqual([0, 1]);
      expect(published.id).toBe(INDEX.index.digest);
      expect(await openEngineSink(engine, options()).find(target)).toBe(INDEX.index.digest);
      const saved = savedDigests(running(), 'indexed:1');
      for (const document of [INDEX.index, AMD.manifest, AMD.config])
        expect(saved).toContain(document.digest);
    });

    test('it is read back for its platform, and not found for another', async () => {
      await expectImage('indexed:1', AMD);
      await expectImage('indexed:1', AMD, 'amd64');
      const platform = { os: 'linux', architecture: 'arm64' };
      const error = await failureOf(openEngineImage(engine, 'indexed:1', { ...options(), platform }));
      expect(error.code).toBe('NOT_FOUND');
      expect(error.message).toContain('linux/arm64');
    });

    test('the blobs of an image in an index are not sent again for the image alone', async () => {
      const sink = openEngineSink(engine, options());
      const { lacking, published } = await write(sink, AMD, ['alone-again:1']);
      expect(lacking).toEqual([]);
      expect(published.id).toBe(AMD.manifest.digest);
    });

    test('of an index with several platforms the one asked for is read', async () => {
      seedIndex(running(), INDEX, [AMD, ARM], 'both:1');
      await expectImage('both:1', AMD);
      await expectImage('both:1', ARM, 'arm64');
    });

    test('a name and a digest together find the image', async () => {
      const image = await openEngineImage(engine, `indexed@${INDEX.index.digest}`, options());
      expect(image.diffIds).toEqual(AMD.layers.map(({ diffId }) => diffId));
      await image.close();
    });

    test('layers put in one by one may be slow', async () => {
      const image = buildImage({ seed: 790, layers: [{}, {}] });
      const sink = openEngineSink(engine, options());
      for (const position of await sink.begin(targetOf(image))) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        await sink.putLayer(position, piecesOf(image.layers[position]!.blob.bytes));
      }
      expect((await sink.commit(targetOf(image), [])).id).toBe(image.manifest.digest);
    });
  });
}
