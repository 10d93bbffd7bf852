/** What a bundle says of itself, as data: which platforms it has, and what each takes. */
import type { Digest } from '../bytes/digest.ts';
import { formatPlatform } from '../image/platform.ts';
import type { Bundle } from '../patch/bundle.ts';
import { proveBlobs } from '../patch/bundle-blobs.ts';

/** The `--json` form of `didiff inspect` for a bundle (docs/cli.md). */
export interface BundleInspection {
  readonly writer: string;
  readonly formatVersion: 1;
  readonly patchBytes: number;
  readonly base: string;
  readonly target: { readonly name: string; readonly index: Digest };
  readonly platforms: readonly {
    readonly platform: string;
    readonly manifest: Digest;
    readonly patchBytes: number;
    readonly layers: number;
    /** Whether it starts from a base at all. */
    readonly hasBase: boolean;
    readonly memoryBytes: number;
  }[];
  /** Layers that several platforms take from it. */
  readonly shared?: { readonly patchBytes: number; readonly layers: number };
  /** Attestations and whatever else the index names. */
  readonly others: { readonly patchBytes: number; readonly manifests: number };
}

/** Reads all of it, so that damage anywhere is found. Throws CORRUPT_INPUT, UNSUPPORTED, LIMIT. */
export async function inspectBundle(bundle: Bundle, readBytes: () => number): Promise<BundleInspection> {
  await proveBlobs(bundle, () => {});
  const { shared, images } = await bundle.openParts();
  await shared?.reader.finish();
  for (const { reader } of images) await reader.finish();
  const { header } = bundle;
  return {
    writer: header.writer,
    formatVersion: 1,
    patchBytes: readBytes(),
    base: header.baseName,
    target: { name: header.targetName, index: bundle.index.digest },
    platforms: images.map(({ platform, sizeBytes, reader }) => ({
      platform: formatPlatform(platform),
      manifest: reader.documents.manifest!.digest,
      patchBytes: sizeBytes,
      layers: reader.header.target.layers.length,
      hasBase: reader.header.base.layers.length > 0,
      memoryBytes: reader.header.memoryBytes,
    })),
    ...(shared === undefined
      ? {}
      : { shared: { patchBytes: shared.sizeBytes, layers: shared.reader.header.target.layers.length } }),
    others: { patchBytes: header.blobStreamBytes, manifests: bundle.manifests.length },
  };
}
