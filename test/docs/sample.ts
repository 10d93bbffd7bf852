/** The images that the documents' examples are about: an OCI layout `images`, and `old.tar`. */
import { join } from 'node:path';
import { writeDockerArchive } from '../fixtures/docker-archive.ts';
import { buildImage, type FixtureImage } from '../fixtures/images.ts';
import { buildLayerTar } from '../fixtures/layer-tar.ts';
import { writeOciLayout } from '../fixtures/oci-layout.ts';
import { goGzip, withBlob } from './patches.ts';

function release(variant: number): FixtureImage {
  const tars = [buildLayerTar(1), buildLayerTar(2, { variant })];
  const image = buildImage({ seed: 1, layers: tars.map((tar) => ({ tar })), label: `1.${variant}` });
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
