/**
 * What the first block of a DEFLATE stream tells about its encoder: encoders end blocks after a fixed number of
 * tokens or of plain bytes, so most can be ruled out without a trial.
 */
import type { RandomAccess } from '../bytes/access.ts';
import { type BlockType, DeflateReader } from './reader.ts';

export interface FirstBlock {
  readonly type: BlockType;
  readonly tokenCount: number;
  readonly plainBytes: number;
  /** Whether something other than its size ended it: the end, or a flush. */
  readonly isCut: boolean;
}

/** No encoder known makes longer blocks; the rest of one is not read. */
const MOST_TOKENS = 1 << 22;

/** The longest blocks that a framing is looked for in at once. */
const MOST_MARKER_BYTES = (1 << 20) + (1 << 16);

/** How many plain bytes there are before the first flush marker; undefined when there is none in the first MiB. */
export function readFirstMarker(blob: RandomAccess, start: number): number | undefined {
  const reader = new DeflateReader(blob, start);
  const tokens = new Uint32Array(1 << 14);
  while (reader.plainBytes < MOST_MARKER_BYTES) {
    const header = reader.readHeader();
    if (header.isFinal) return undefined;
    if (header.type === 'stored' && header.storedBytes === 0) return reader.plainBytes;
    while (reader.inBlock && reader.plainBytes < MOST_MARKER_BYTES) reader.readTokens(tokens);
  }
  return undefined;
}

/** Reads the first block at byte `start`. Throws CORRUPT_INPUT when it is damaged. */
export function readFirstBlock(blob: RandomAccess, start: number): FirstBlock {
  const reader = new DeflateReader(blob, start);
  const header = reader.readHeader();
  const tokens = new Uint32Array(1 << 14);
  let tokenCount = 0;
  while (reader.inBlock && tokenCount < MOST_TOKENS) tokenCount += reader.readTokens(tokens);
  const { plainBytes } = reader;
  let isCut = header.isFinal || reader.inBlock;
  if (!isCut) {
    const next = reader.readHeader();
    isCut = next.isFinal || (next.type === 'stored' && next.storedBytes === 0);
  }
  return { type: header.type, tokenCount, plainBytes, isCut };
}
