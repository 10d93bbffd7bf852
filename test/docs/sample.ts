/** The images that the documents' examples are about: an OCI layout `images`, and `old.tar`. */
import { join } from 'node:path';
import { writeDockerArchive } from '../fixtures/docker-archive.ts';
import { buildImage, buildIndex, type FixtureImage } from '../fixtures/images.ts';
import { buildLayerTar } from '../fixtures/layer-tar.ts';
import { writeOciLayout } from '../fixtures/oci-layout.ts';
import { goGzip, withBlob } from './patches.ts';

function release(variant: number, platform = 'linux/amd64', seed = 1): FixtureImage {
  const tars = [buildLayerTar(seed), buildLayerTar(2 * seed, { variant })];
  const image = buildImage({
    seed: 1,
    platform,
    layers: tars.map((tar) => ({ tar })),
    label: `1.${variant}`,
  });
  return tars.reduce((made, tar, position) => withBlob(made, position, goGzip(tar)), image);
}

const OLD = release(0);
const NEW = release(1);

/** `layout` is a path in `directory`. */
export function writeSample(directory: string, layout: string): void {
  writeOciLayout(join(directory, layout), [
    { image: OLD, ref: 'app-1.0' },
    { image: NEW, ref: 'app-1.1' },
  ]);
}

export function writeSampleArchive(path: string): void {
  writeDockerArchive(path, [{ image: OLD, names: ['app:1.0'] }], 'legacy');
}

/** A layout whose names lead to indexes over two platforms. */
export function writeMultiSample(directory: string, layout: string): void {
  const index = (variant: number) => buildIndex([release(variant), release(variant, 'linux/arm64', 3)]);
  writeOciLayout(join(directory, layout), [
    { index: index(0), ref: 'app-1.0' },
    { index: index(1), ref: 'app-1.1' },
  ]);
}
