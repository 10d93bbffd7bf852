/** How a layer's blob gets exact, in the words that `create` and `inspect` share. */
import { formatBytes } from './format.ts';

export interface BlobFacts {
  readonly sizeBytes: number;
  readonly encoder?: string;
  readonly recipeBytes?: number;
  readonly correctionsBytes?: number;
  readonly copiedBytes?: number;
}

/** `source` is a word of the format, docs/format.md 4.5. `tarIsBase`: the base has the layer, if not the blob. */
export function describeBlob(source: string, facts: BlobFacts, tarIsBase: boolean): string {
  const { sizeBytes, encoder, recipeBytes = 0, correctionsBytes = 0, copiedBytes = 0 } = facts;
  switch (source) {
    case 'tar':
      return 'uncompressed';
    case 'base':
      return "the base's own";
    case 'recipe': {
      const how =
        correctionsBytes > 0
          ? `exact with corrections (recipe of ${formatBytes(recipeBytes)})`
          : `exact by ${encoder ?? 'a recipe'} (recipe of ${formatBytes(recipeBytes)})`;
      return tarIsBase ? `the base's own, or ${how}` : how;
    }
    case 'copies':
      return `copied from the base's blobs (${formatBytes(copiedBytes)}), ${formatBytes(sizeBytes - copiedBytes)} new`;
    case 'carried':
      return `carried (${formatBytes(sizeBytes)})`;
    default:
      return 'left out';
  }
}

/** What the exactness of the whole image depends on. */
export function describeExact(needsBaseBlobs: boolean): string {
  return needsBaseBlobs
    ? "manifest digest and signatures stay valid; stores that keep layers compressed must have the base's own blobs"
    : 'manifest digest and signatures stay valid on every store';
}
