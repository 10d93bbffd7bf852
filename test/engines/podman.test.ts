import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Engine, openEngine } from '../../src/stores/engine/kind.ts';
import { openEngineImage } from '../../src/stores/engine/read.ts';
import { buildImage } from '../fixtures/images.ts';
import { ociLayoutFiles, tarOfFiles } from '../fixtures/oci-layout.ts';
import { testConformance } from './conforming.ts';
import { digestOf, testReading } from './reading.ts';
import { describeEngine } from './suite.ts';
import { testWriting } from './writing.ts';

describeEngine('podman', (running) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine({ host: running().host });
  });
  afterAll(() => engine?.close());

  test('the config of an image that came in the OCI form keeps its bytes', async () => {
    const image = buildImage({ seed: 950, layers: [{}, { compression: 'zstd' }] });
    running().dockerWith(tarOfFiles(ociLayoutFiles([{ image, ref: 'localhost/oci:1' }])), 'load');
    const options = { tempDirectory: running().directory };
    const opened = await openEngineImage(engine, image.config.digest, options);
    const { config } = await opened.readMetadata(options);
    expect(Buffer.from(config.bytes)).toEqual(Buffer.from(image.config.bytes));
    const tars = await opened.openTars([0, 1], options);
    expect(tars.map(({ content }) => digestOf(content))).toEqual(image.layers.map(({ diffId }) => diffId));
    await opened.close();
  });

  testReading(running);
  testWriting(running);
  testConformance('podman', running);
});
