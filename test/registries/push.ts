/** Puts fixtures into a registry with plain calls of the distribution spec, without anything of didiff's client. */
import type { RawDocument } from '../../src/image/manifest.ts';
import type { FixtureImage, FixtureIndex } from '../fixtures/images.ts';

export interface RawRepository {
  /** `http://127.0.0.1:PORT`. */
  readonly root: string;
  readonly repository: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function pushImage(place: RawRepository, tag: string, image: FixtureImage): Promise<void> {
  for (const blob of [image.config, ...image.layers.map((layer) => layer.blob)]) await pushBlob(place, blob);
  await pushManifest(place, image.manifest.digest, image.manifest);
  await pushManifest(place, tag, image.manifest);
}

export async function pushIndex(place: RawRepository, tag: string, index: FixtureIndex): Promise<void> {
  for (const image of [...index.images, ...index.attestations]) {
    await pushImage(place, image.manifest.digest, image);
  }
  await pushManifest(place, tag, index.index);
}

export async function pushBlob(
  { root, repository, headers }: RawRepository,
  blob: RawDocument,
): Promise<void> {
  const base = `${root}/v2/${repository}/blobs/uploads/`;
  const started = await fetch(base, { method: 'POST', headers: { ...headers } });
  if (started.status !== 202) throw new Error(`upload: ${started.status} ${await started.text()}`);
  const location = new URL(started.headers.get('location')!, base);
  location.searchParams.set('digest', blob.digest);
  const ended = await fetch(location, {
    method: 'PUT',
    body: Buffer.from(blob.bytes),
    headers: { ...headers },
  });
  if (ended.status !== 201) throw new Error(`upload: ${ended.status} ${await ended.text()}`);
}

export async function pushManifest(
  { root, repository, headers }: RawRepository,
  reference: string,
  document: RawDocument,
): Promise<void> {
  const answer = await fetch(`${root}/v2/${repository}/manifests/${reference}`, {
    method: 'PUT',
    headers: { ...headers, 'content-type': document.mediaType },
    body: Buffer.from(document.bytes),
  });
  if (answer.status !== 201) throw new Error(`manifest: ${answer.status} ${await answer.text()}`);
}

/** All tags, each with the digest it leads to. */
export async function tagsOf({ root, repository, headers }: RawRepository): Promise<Record<string, string>> {
  const answer = await fetch(`${root}/v2/${repository}/tags/list`, { headers: { ...headers } });
  if (answer.status === 404) return {};
  const { tags } = (await answer.json()) as { tags: string[] | null };
  const found: Record<string, string> = {};
  for (const tag of (tags ?? []).sort()) {
    const manifest = await fetch(`${root}/v2/${repository}/manifests/${tag}`, {
      method: 'HEAD',
      headers: {
        ...headers,
        accept:
          'application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.v2+json',
      },
    });
    found[tag] = manifest.headers.get('docker-content-digest') ?? String(manifest.status);
  }
  return found;
}
