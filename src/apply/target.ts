/** What a patch makes, in the terms of a store, and whether a store of this kind can be given it. */
import { DidiffError } from '../errors.ts';
import { parseConfig, synthesiseManifest } from '../image/manifest.ts';
import { OCI_LAYER_TAR } from '../image/media-types.ts';
import type { ImageSink, TargetImage, TargetLayer } from '../image/store.ts';
import type { PatchDocuments } from '../patch/documents.ts';
import type { PatchHeader } from '../patch/header.ts';

/** Which layers are to be made, by their positions, and in which form. */
export interface WantedLayers {
  readonly header: PatchHeader;
  readonly layers: readonly number[];
  readonly takes: ImageSink['takes'];
}

/** A target without a manifest gets a deterministic one, whose layers are uncompressed. */
export function targetOf(header: PatchHeader, documents: PatchDocuments): TargetImage {
  const { config, manifest, index } = documents;
  const layers = header.target.layers.map(
    ({ diffId, tarBytes, blob }): TargetLayer => ({
      diffId,
      tarSizeBytes: tarBytes,
      blob: blob ?? { digest: diffId, sizeBytes: tarBytes, mediaType: OCI_LAYER_TAR },
    }),
  );
  const plain = layers.map(({ diffId, tarSizeBytes }) => ({ diffId, sizeBytes: tarSizeBytes }));
  return {
    config,
    manifest: manifest ?? synthesiseManifest(config.bytes, plain),
    manifestIsOwn: manifest !== undefined,
    index,
    // Of the header's platform nothing is proved; the config's is part of what the digests vouch for.
    platform: parseConfig(config.bytes, "the target's config").platform,
    layers,
  };
}

/** Throws UNSUPPORTED when the store wants exact blobs that were left out of the patch. */
export function assertBlobs(header: PatchHeader, sink: Pick<ImageSink, 'name' | 'takes'>): void {
  if (sink.takes !== 'blob' || !header.target.layers.some(({ blob }) => blob?.source === 'none')) return;
  throw new DidiffError(
    'UNSUPPORTED',
    `${sink.name} stores layers as compressed blobs, and this patch was made with --no-blobs: they can't be exact`,
    {
      hint: 'Make the patch without --no-blobs, or apply it to a classic Docker engine or a docker-archive.',
    },
  );
}
