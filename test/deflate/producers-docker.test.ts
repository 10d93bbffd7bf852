/** Layers of 60 MB and more as Docker compresses them for a registry: updates to them end with the same manifest. */
import { afterAll, beforeAll } from 'vitest';
import { describeEngine } from '../engines/suite.ts';
import { writeDockerArchive } from '../fixtures/docker-archive.ts';
import { openWorkshop } from '../fixtures/patching.ts';
import {
  expectExactUpdate,
  LARGE_NAME,
  type LargeImages,
  makeLargeImages,
  run,
  testWith,
} from './large-images.ts';
import { type RunningRegistry, startRegistry } from './registry.ts';

const workshop = openWorkshop();
let images: LargeImages;
let archive: string;
beforeAll(() => {
  images = makeLargeImages(workshop);
  archive = workshop.newPath('target.tar');
  writeDockerArchive(archive, [{ image: images.target, names: [`${LARGE_NAME}:latest`] }], 'legacy');
});

for (const name of ['docker-classic', 'docker-26-classic'] as const) {
  describeEngine(name, (engine) => {
    let registry: RunningRegistry | undefined;
    afterAll(() => registry?.stop());

    testWith(['docker-registry', 'skopeo'], 'docker push to a registry', async () => {
      registry = await startRegistry();
      const pushed = `${registry.address}/${LARGE_NAME}:latest`;
      engine().docker('load', '--quiet', '--input', archive);
      engine().docker('tag', `${LARGE_NAME}:latest`, pushed);
      engine().docker('push', '--quiet', pushed);
      // Copied without compressing anything again: the blobs are the registry's.
      const layout = workshop.newPath('layout');
      run('skopeo', 'copy', '--src-tls-verify=false', `docker://${pushed}`, `oci:${layout}:${LARGE_NAME}`);
      await expectExactUpdate(workshop, images, layout, /^Go up to 1\.26, level 6$/);
    });
  });
}
