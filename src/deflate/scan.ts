/**
 * What a gzip blob is made of, found by reading all its tokens once: members, the places of flush markers, what
 * follows the last member. Plain bytes are not made.
 */
import { type RandomAccess, readRange } from '../bytes/access.ts';
import { corrupt, DidiffError } from '../errors.ts';
import { type GzipHeader, isGzip, readGzipHeader, TRAILER_BYTES } from './gzip.ts';
import { DeflateReader } from './reader.ts';

export interface ScannedMember {
  readonly header: GzipHeader;
  /** First byte of the DEFLATE stream. */
  readonly dataStart: number;
  /** The byte behind it, which is the trailer's first. */
  readonly dataEnd: number;
  /** First plain byte, counted over all members. */
  readonly plainStart: number;
  readonly plainBytes: number;
  /** Plain offsets, over all members, of empty stored blocks that end nothing: what a flush leaves. */
  readonly flushes: readonly number[];
  /** The same of empty blocks of fixed codes, by which pigz fills up bytes. */
  readonly fillers: readonly number[];
  readonly trailer: Uint8Array;
}

export interface ScannedBlob {
  readonly members: readonly ScannedMember[];
  readonly plainBytes: number;
  /** Where the bytes after the last member start; the blob's size when there are none. */
  readonly tailStart: number;
}

export interface ScanOptions {
  readonly signal?: AbortSignal | undefined;
  /** Most members and flushes together; a blob with more is given up with LIMIT. */
  readonly eventLimit?: number;
}

const DEFAULT_EVENT_LIMIT = 1 << 21;
const BATCH_TOKENS = 1 << 14;

/**
 * Scans a whole blob. Bytes that begin no further member are the tail, and so is an empty member at the very end
 * whose header has an extra field: it is a footer of its format rather than something an encoder's user wrote.
 */
export function scanGzip(blob: RandomAccess, options: ScanOptions = {}): ScannedBlob {
  const members: ScannedMember[] = [];
  const tokens = new Uint32Array(BATCH_TOKENS);
  const limit = options.eventLimit ?? DEFAULT_EVENT_LIMIT;
  let events = 0;
  let position = 0;
  let plainStart = 0;
  while (position < blob.sizeBytes && isGzip(blob, position)) {
    const start = position;
    let scanned: { member: ScannedMember; end: number };
    try {
      scanned = scanMember(blob, position, plainStart, tokens, limit - events, options.signal);
    } catch (error) {
      // What follows a whole member may look like another and be none.
      if (members.length > 0 && error instanceof DidiffError && error.code === 'CORRUPT_INPUT') break;
      throw error;
    }
    const { member, end } = scanned;
    if (members.length > 0 && end === blob.sizeBytes && isFooter(member)) break;
    members.push(member);
    events += 1 + member.flushes.length;
    plainStart += member.plainBytes;
    position = end;
    if (position === start) break;
  }
  if (members.length === 0) throw corrupt('the blob does not begin with a gzip member');
  return { members, plainBytes: plainStart, tailStart: position };
}

function isFooter(member: ScannedMember): boolean {
  return member.plainBytes === 0 && member.header.bytes.length > 10;
}

function scanMember(
  blob: RandomAccess,
  position: number,
  plainStart: number,
  tokens: Uint32Array,
  eventLimit: number,
  signal: AbortSignal | undefined,
): { member: ScannedMember; end: number } {
  const header = readGzipHeader(blob, position);
  const dataStart = position + header.bytes.length;
  const reader = new DeflateReader(blob, dataStart);
  const flushes: number[] = [];
  const fillers: number[] = [];
  for (;;) {
    signal?.throwIfAborted();
    const start = reader.plainBytes;
    const block = reader.readHeader();
    while (reader.inBlock) reader.readTokens(tokens);
    if (block.isFinal) break;
    if (reader.plainBytes > start) continue;
    if (block.type !== 'dynamic') {
      if (flushes.length + fillers.length >= eventLimit) {
        throw new DidiffError('LIMIT', `the gzip blob has more than ${eventLimit} flushes and members`);
      }
      (block.type === 'stored' ? flushes : fillers).push(plainStart + start);
    }
  }
  const dataEnd = reader.bytePosition;
  const end = dataEnd + TRAILER_BYTES;
  if (end > blob.sizeBytes) throw corrupt('the gzip trailer is cut short');
  const trailer = readRange(blob, dataEnd, TRAILER_BYTES, TRAILER_BYTES);
  const plainBytes = reader.plainBytes;
  return { member: { header, dataStart, dataEnd, plainStart, plainBytes, flushes, fillers, trailer }, end };
}
