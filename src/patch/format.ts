/**
 * The constants of the patch format, version 1. docs/format.md is the normative text; the numbers here are on the
 * wire and never change their meaning.
 */

/** The first eight bytes: a byte no text begins with, the name, and a line end that text transfers would change. */
export const MAGIC = Uint8Array.of(0x89, 0x64, 0x69, 0x64, 0x69, 0x66, 0x66, 0x0a);
export const FORMAT_VERSION = 1;

/** Section kinds. Unknown kinds from OPTIONAL_KINDS on are skipped, others refused. */
export const SECTION_HEADER = 1;
export const SECTION_DOCUMENTS = 2;
export const SECTION_STREAM = 3;
export const SECTION_END = 4;
export const OPTIONAL_KINDS = 0x80;

/** Bytes of the chained check after each section. */
export const CHECK_BYTES = 8;

/** No section is larger, so that no claim makes a reader allocate more. */
export const MAX_SECTION_BYTES = 8 << 20;
/** What a brotli-coded header may expand to. */
export const MAX_HEADER_BYTES = 32 << 20;
/** Coded bytes in one stream section; small, so that streams can be interleaved closely. */
export const STREAM_CHUNK_BYTES = 1 << 14;
/** Carried blobs are cut larger: nothing interleaves with them. */
export const BLOB_CHUNK_BYTES = 1 << 18;
/** Coded bytes that a reader queues for streams that aren't read yet, before it calls the patch badly interleaved. */
export const MAX_QUEUED_BYTES = 32 << 20;

/** The streams of a layer: eight for a delta, one for bytes of a blob, one for its recipe, one for what it copies. */
export const STREAM_OPS = 0;
export const STREAM_SEEKS = 1;
export const STREAM_GAPS = 2;
export const STREAM_DIFFS = 3;
export const STREAM_BINARY = 4;
export const STREAM_TEXT = 5;
export const STREAM_HEADERS = 6;
export const STREAM_REPEATS = 7;
export const STREAM_BLOB = 8;
export const STREAM_RECIPE = 9;
export const STREAM_COPIES = 10;
export const STREAM_VIEWS = 11;

/** In words, for messages and `inspect`. */
export const STREAM_NAMES = [
  'ops',
  'seeks',
  'gaps',
  'diffs',
  'binary',
  'text',
  'headers',
  'repeats',
  'blob',
  'recipe',
  'copies',
  'views',
] as const;
/** What a recipe, corrections included, may take at most: the reader holds it in memory. */
export const MAX_RECIPE_BYTES = 16 << 20;
export const DELTA_STREAMS = [0, 1, 2, 3, 4, 5, 6, 7] as const;

/** Op codes: the low bits of each number in STREAM_OPS; the rest is the length (docs/format.md, "Ops"). */
export const OP_REGION = 0;
export const OP_BINARY = 1;
export const OP_TEXT = 2;
export const OP_HEADER = 3;
export const OP_REPEAT = 4;
export const OP_EXECUTABLE = 5;
export const OP_PART = 6;
export const OP_DIGEST = 7;
export const OP_BITS = 3;

/** Lengths of digest ops from here on list a digest; those below mark what gets one. */
export const DIGEST_USES = 8;
/** Digests that one layer may ask for: a reader holds them all, some 100 bytes each. */
export const MAX_DIGESTS = 1 << 16;

/** A file larger than this can't be predicted: the predictors keep offsets in 32 bits. */
export const MAX_EXECUTABLE_BYTES = 2 ** 31 - 1;
/** Ops that make one predicted executable, at most: a reader holds them all, some 100 bytes each. */
export const MAX_EXECUTABLE_OPS = 1 << 18;

/** Opened parts may lie in opened parts (a class in a jar in a war), so many deep. */
export const MAX_PART_DEPTH = 4;
/** What a part counts for, in plain bytes, that is closed by another engine than the one before it at its depth. */
export const ENGINE_CHANGE_BYTES = 1 << 16;
/** Ways of closing parts that one layer may name. */
export const MAX_PART_CHOICES = 64;
/** The list of a layer's views, decoded. */
export const MAX_VIEW_LIST_BYTES = 4 << 20;

/**
 * The most plain bytes that may be opened from so many, or made and closed again on the way to so many: room for what is
 * packed well, and no bombs.
 */
export function mostPlainBytes(closedBytes: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, 64 * 2 ** 20 + 16 * closedBytes);
}
