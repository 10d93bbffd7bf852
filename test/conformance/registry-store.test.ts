/** Runs the suites over a real registry. */
import { afterAll, beforeAll } from 'vitest';
import { parseImageName } from '../../src/image/image-name.ts';
import { findRegistryIndex, openRegistryImage } from '../../src/stores/registry/read.ts';
import { openRegistrySink } from '../../src/stores/registry/write.ts';
import { pushImage, tagsOf } from '../registries/push.ts';
import { type RunningRegistry, startRegistry } from '../registries/server.ts';
import { describeRegistry } from '../registries/suite.ts';
import { readerConformance } from './store-reader.ts';
import { sinkConformance } from './store-sink.ts';

describeRegistry('the store of registries', () => {
  let server: RunningRegistry;
  let count = 0;
  beforeAll(async () => {
    server = await startRegistry();
  });
  afterAll(() => server.stop());

  const root = () => `http://${server.host}`;

  readerConformance({
    name: 'registry',
    keepsBlobs: true,
    async makeReader(image) {
      const repository = `reader/${count++}`;
      await pushImage({ root: root(), repository }, '1', image);
      return (options) => openRegistryImage(parseImageName(`${server.host}/${repository}:1`), options);
    },
  });

  sinkConformance({
    name: 'registry',
    knowsWhatIsThere: true,
    takesIndexes: true,
    idOf: (target) => target.manifest.digest,
    async makePlace() {
      const repository = `sink/${count++}`;
      const place = `${server.host}/${repository}`;
      return {
        openSink: async (options) => openRegistrySink(parseImageName(`${place}:given`), options),
        readBack: (name, options) => openRegistryImage(parseImageName(name), options),
        readIndex: (name, options) => findRegistryIndex(parseImageName(name), options),
        snapshot: () => tagsOf({ root: root(), repository }),
        // A repository is a name of its own; the suite's names become its tags.
        nameIn: (name) => (name.startsWith('didiff.test/') ? `${place}:${name.replace(/\W/g, '-')}` : name),
      };
    },
  });
});
