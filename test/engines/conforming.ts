/** The suites that every store is held to, over a real engine. */
import type { EngineKind } from '../../src/stores/engine/kind.ts';
import { openEngine } from '../../src/stores/engine/kind.ts';
import { openEngineImage } from '../../src/stores/engine/read.ts';
import { openEngineSink } from '../../src/stores/engine/write.ts';
import { readerConformance } from '../conformance/store-reader.ts';
import { type SinkPlace, sinkConformance } from '../conformance/store-sink.ts';
import type { RunningEngine } from './daemon.ts';
import { imageIds, seedImage } from './images.ts';

export function testConformance(kind: EngineKind, running: () => RunningEngine): void {
  readerConformance({
    name: `the ${kind} engine`,
    keepsBlobs: kind === 'containerd',
    async makeReader(image) {
      // A name that moves on would take the image it leaves with it.
      const id = seedImage(running(), image, `reader:${image.config.digest.slice(-12)}`);
      const engine = await openEngine({ host: running().host });
      return (options) => openEngineImage(engine, id, options);
    },
  });
  sinkConformance({
    name: `the ${kind} engine`,
    // The others know layers by their place in a chain, or not at all; their own suites say what that means.
    knowsWhatIsThere: kind === 'containerd',
    idOf: (target) => (kind === 'containerd' ? target.manifest : target.config).digest,
    makePlace: () => placeIn(running()),
  });
}

const VISIBLE = '{{.ID}} {{.Repository}} {{.Tag}} {{.Digest}}';

/** An engine can't be had fresh for every test; it is emptied instead. */
async function placeIn(running: RunningEngine): Promise<SinkPlace> {
  const engine = await openEngine({ host: running.host });
  removeAllImages(running);
  return {
    openSink: async (options) => openEngineSink(engine, options),
    readBack: (name, options) => openEngineImage(engine, name, options),
    // Without sizes: an engine over containerd counts what it has unpacked so far.
    snapshot: async () => running.docker('images', '--all', '--no-trunc', '--format', VISIBLE),
    remove: async () => engine.close(),
  };
}

function removeAllImages(running: RunningEngine): void {
  const ids = imageIds(running);
  if (ids.length > 0) running.docker('rmi', '--force', ...ids);
}
