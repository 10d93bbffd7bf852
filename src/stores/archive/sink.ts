/**
 * Writes `docker save` archives in the layout since Docker 25: an OCI layout of uncompressed layers, with the
 * manifest.json beside it that older engines, podman and skopeo read.
 */
import {
  familiarImageName,
  formatImageName,
  type ImageName,
  parseTagOption,
} from '../../image/image-name.ts';
import { type RawDocument, synthesiseManifest } from '../../image/manifest.ts';
import { OCI_INDEX } from '../../image/media-types.ts';
import type { ImageSink, StoreOptions, TargetImage } from '../../image/store.ts';
import { blobPath } from './own-manifests.ts';
import { openTarSink } from './tar-sink.ts';

/**
 * A sink for the file at `path`, which takes layer tars. `ref` is a name the image gets beside those of `commit`.
 * Published are the config's digest, which is the image ID in classic engines, and the names in their short form.
 * Throws USAGE for a `ref` that is no name.
 */
export function openDockerArchiveSink(
  path: string,
  ref: string | undefined,
  options: StoreOptions,
): ImageSink {
  const own = ref === undefined ? [] : [parseTagOption(ref)];
  return openTarSink(
    path,
    {
      name: `docker-archive:${path}`,
      takes: 'tar',
      documents: (target) => [target.config, uncompressedManifest(target)],
      storedLayer: ({ diffId, tarSizeBytes }) => ({ digest: diffId, sizeBytes: tarSizeBytes }),
      finish(target, names) {
        const all = uniqueNames([...own, ...names.map(parseTagOption)]);
        return {
          files: finalFiles(target, all),
          published: { id: target.config.digest, names: all.map(familiarImageName) },
        };
      },
    },
    options,
  );
}

/** The registry's manifest names compressed blobs, which aren't in here: this archive has one of its own. */
function uncompressedManifest(target: TargetImage): RawDocument {
  return synthesiseManifest(
    target.config.bytes,
    target.layers.map(({ diffId, tarSizeBytes }) => ({ diffId, sizeBytes: tarSizeBytes })),
  );
}

function uniqueNames(names: readonly ImageName[]): readonly ImageName[] {
  return [...new Map(names.map((name) => [formatImageName(name), name])).values()];
}

function finalFiles(target: TargetImage, names: readonly ImageName[]): readonly [string, Uint8Array][] {
  const manifest = uncompressedManifest(target);
  const descriptor = { mediaType: manifest.mediaType, digest: manifest.digest, size: manifest.bytes.length };
  const named = names.map((name) => ({
    ...descriptor,
    annotations: {
      'io.containerd.image.name': formatImageName(name),
      'org.opencontainers.image.ref.name': name.tag,
    },
    platform: target.platform,
  }));
  const unnamed = [{ ...descriptor, platform: target.platform }];
  return [
    [
      'index.json',
      encodeJson({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: names.length > 0 ? named : unnamed }),
    ],
    [
      'manifest.json',
      encodeJson([
        {
          Config: blobPath(target.config.digest),
          RepoTags: names.length > 0 ? names.map(familiarImageName) : null,
          Layers: target.layers.map(({ diffId }) => blobPath(diffId)),
        },
      ]),
    ],
    ['oci-layout', encodeJson({ imageLayoutVersion: '1.0.0' })],
  ];
}

function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}
