/** Puts fixture images into real engines and takes them out again with the docker CLI, not with the code under test. */
import { execFileSync } from 'node:child_process';
import type { Digest } from '../../src/bytes/digest.ts';
import { sha256 } from '../../src/bytes/digest.ts';
import { dockerArchiveEntries } from '../fixtures/docker-archive.ts';
import type { FixtureImage, FixtureIndex } from '../fixtures/images.ts';
import { buildTar } from '../fixtures/layer-tar.ts';
import { type LayoutEntry, ociLayoutFiles, tarOfFiles } from '../fixtures/oci-layout.ts';
import type { RunningEngine } from './daemon.ts';

/** Loads an image under a name; gives the ID that the engine must give it. */
export function seedImage(engine: RunningEngine, image: FixtureImage, name: string): Digest {
  if (engine.kind === 'containerd') return seedLayout(engine, { image }, image.manifest.digest, name);
  engine.dockerWith(buildTar(dockerArchiveEntries([{ image, names: [name] }], 'legacy')), 'load');
  return image.config.digest;
}

/** Loads an index, with the images of it that `present` has, into an engine over containerd. */
export function seedIndex(
  engine: RunningEngine,
  index: FixtureIndex,
  present: readonly FixtureImage[],
  name: string,
): Digest {
  const entry = { index: { ...index, images: present, attestations: [] } };
  return seedLayout(engine, entry, index.index.digest, name);
}

function seedLayout(engine: RunningEngine, entry: LayoutEntry, id: Digest, name: string): Digest {
  const annotations = {
    'io.containerd.image.name': `docker.io/${name.includes('/') ? name : `library/${name}`}`,
  };
  const ref = name.split(':')[1] ?? 'latest';
  engine.dockerWith(tarOfFiles(ociLayoutFiles([{ ...entry, annotations, ref }])), 'load');
  return id;
}

/** What `docker save` gives of an image, by content: the digests of all its files. */
export function savedDigests(engine: RunningEngine, reference: string): ReadonlySet<Digest> {
  const archive = execFileSync('docker', ['-H', engine.host, 'save', reference], { maxBuffer: 1 << 30 });
  const listing = execFileSync('tar', ['tf', '-'], { input: archive, encoding: 'utf8' });
  const files = listing.split('\n').filter((name) => name !== '' && !name.endsWith('/'));
  return new Set(
    files.map((name) =>
      sha256(execFileSync('tar', ['xOf', '-', name], { input: archive, maxBuffer: 1 << 30 })),
    ),
  );
}

/** The IDs of all images, nameless ones too. */
export function imageIds(engine: RunningEngine): readonly string[] {
  const ids = engine
    .docker('images', '--all', '--quiet', '--no-trunc')
    .split('\n')
    .filter((line) => line !== '');
  return [...new Set(ids)].sort();
}
