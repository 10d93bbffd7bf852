/** Runs the suites over every store that is a file or a directory. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openDockerArchive } from '../../src/stores/archive/open.ts';
import { openDockerArchiveSink } from '../../src/stores/archive/sink.ts';
import { openOciArchiveSink } from '../../src/stores/oci/archive-sink.ts';
import {
  findArchiveIndex,
  findLayoutIndex,
  openOciArchive,
  openOciLayout,
} from '../../src/stores/oci/open.ts';
import { openOciSink } from '../../src/stores/oci/sink.ts';
import { type ArchiveLayout, writeDockerArchive } from '../fixtures/docker-archive.ts';
import { writeOciArchive, writeOciLayout } from '../fixtures/oci-layout.ts';
import { readerConformance } from './store-reader.ts';
import { type SinkPlace, sinkConformance } from './store-sink.ts';

const root = mkdtempSync(join(tmpdir(), 'didiff-stores-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const freshPath = (name: string) => {
  const directory = join(root, String(count++));
  mkdirSync(directory);
  return join(directory, name);
};

const NAME = 'didiff.test/reader:1';

for (const layout of ['legacy', 'classic', 'containerd'] satisfies ArchiveLayout[]) {
  readerConformance({
    name: `docker-archive (${layout})`,
    keepsBlobs: layout === 'containerd',
    async makeReader(image) {
      const path = freshPath('image.tar');
      writeDockerArchive(path, [{ image, names: [NAME] }], layout);
      return (options) => openDockerArchive(path, NAME, options);
    },
  });
}

readerConformance({
  name: 'oci',
  keepsBlobs: true,
  async makeReader(image) {
    const directory = freshPath('layout');
    writeOciLayout(directory, [{ image, ref: NAME }]);
    return (options) => openOciLayout(directory, NAME, options);
  },
});

readerConformance({
  name: 'oci-archive',
  keepsBlobs: true,
  async makeReader(image) {
    const path = freshPath('layout.tar');
    writeOciArchive(path, [{ image, ref: NAME }]);
    return (options) => openOciArchive(path, NAME, options);
  },
});

sinkConformance({
  name: 'docker-archive',
  knowsWhatIsThere: false,
  holdsSeveral: false,
  idOf: (target) => target.config.digest,
  makePlace: async () => placeAt('image.tar', openDockerArchiveSink, openDockerArchive),
});

sinkConformance({
  name: 'oci',
  knowsWhatIsThere: true,
  takesIndexes: true,
  idOf: (target) => target.manifest.digest,
  makePlace: async () => placeAt('layout', openOciSink, openOciLayout, findLayoutIndex),
});

sinkConformance({
  name: 'oci-archive',
  knowsWhatIsThere: false,
  holdsSeveral: false,
  takesIndexes: true,
  idOf: (target) => target.manifest.digest,
  makePlace: async () => placeAt('layout.tar', openOciArchiveSink, openOciArchive, findArchiveIndex),
});

function placeAt(
  name: string,
  openSink: typeof openOciSink,
  openImage: typeof openOciLayout,
  findIndex?: typeof findLayoutIndex,
): SinkPlace {
  const path = freshPath(name);
  return {
    openSink: async (options) => openSink(path, undefined, options),
    readBack: (ref, options) => openImage(path, ref, options),
    readIndex: async (ref, options) => await findIndex?.(path, ref, options),
    snapshot: async () => snapshotOf(join(path, '..')),
  };
}

/** Every path below `directory`, files with the digest of their content. */
function snapshotOf(directory: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of readdirSync(directory, { recursive: true }).map(String).sort()) {
    const path = join(directory, name);
    found[name] = statSync(path).isDirectory()
      ? 'directory'
      : createHash('sha256').update(readFileSync(path)).digest('hex');
  }
  return found;
}
