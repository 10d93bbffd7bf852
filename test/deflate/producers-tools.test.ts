/** Layers of 60 MB and more as skopeo, podman and umoci compress them: updates to them end with the same manifest. */
import { beforeAll, describe } from 'vitest';
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

describe('an update to a large layer is exact when it was compressed by', () => {
  const workshop = openWorkshop();
  let images: LargeImages;
  let archive: string;

  beforeAll(() => {
    images = makeLargeImages(workshop);
    archive = workshop.newPath('target.tar');
    writeDockerArchive(archive, [{ image: images.target, names: [`${LARGE_NAME}:latest`] }], 'legacy');
  });

  testWith(['skopeo'], 'skopeo copy, to a layout', async () => {
    const layout = workshop.newPath('layout');
    const compress = ['--dest-compress-format', 'gzip'];
    run('skopeo', 'copy', ...compress, `docker-archive:${archive}`, `oci:${layout}:${LARGE_NAME}`);
    await expectExactUpdate(workshop, images, layout, /^pgzip with .*, level 5, blocks of 1024 KiB$/);
  });

  testWith(['skopeo'], 'skopeo copy at a level of the user’s', async () => {
    const layout = workshop.newPath('layout');
    const compress = ['--dest-compress-format', 'gzip', '--dest-compress-level', '1'];
    run('skopeo', 'copy', ...compress, `docker-archive:${archive}`, `oci:${layout}:${LARGE_NAME}`);
    await expectExactUpdate(workshop, images, layout, /^pgzip with .*, level 1, blocks of 1024 KiB$/);
  });

  testWith(['podman'], 'podman push', async () => {
    const root = workshop.newPath('root');
    const layout = workshop.newPath('layout');
    const store = ['--root', root, '--runroot', `${root}-run`, '--storage-driver', 'vfs'];
    const podman = (...args: string[]) => run('podman', ...store, '--events-backend', 'none', ...args);
    podman('load', '--quiet', '--input', archive);
    podman('push', '--quiet', LARGE_NAME, `oci:${layout}:${LARGE_NAME}`);
    await expectExactUpdate(workshop, images, layout, /^pgzip with .*, level 5, blocks of 1024 KiB$/);
  });

  testWith(['umoci'], 'umoci raw add-layer', async () => {
    const layout = workshop.newPath('layout');
    const image = `${layout}:${LARGE_NAME}`;
    run('umoci', 'init', '--layout', layout);
    run('umoci', 'new', '--image', image);
    run('umoci', 'raw', 'add-layer', '--image', image, images.targetTar);
    // Without what the image was before the layer.
    run('umoci', 'gc', '--layout', layout);
    await expectExactUpdate(workshop, images, layout, /^pgzip with .*, level 5, blocks of 256 KiB$/);
  });
});
