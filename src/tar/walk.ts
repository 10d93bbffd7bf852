/**
 * Walks a layer tar without losing a byte: the segments come in order, none is empty, and together they are the input,
 * whatever it holds. Contents are stepped over, never read; memory is bounded by one extension (1 MiB) and the window.
 */
import type { RandomAccess } from '../bytes/access.ts';
import { BLOCK_BYTES } from './block.ts';
import { type GlobalRecords, type HeaderResult, paddedBytes, parseHeader, type TarEntry } from './header.ts';

/**
 * A part of a tar. `header`: an entry's header block with the extension blocks before it. `content`: what is stored of
 * the entry, cut where the input ends. `padding`: up to the next 512 bytes, not always zero. `end`: the zero block that
 * ends the archive and every zero after it. `unknown`: from the first thing that isn't understood to the end.
 */
export type TarSegment =
  | {
      readonly kind: 'header' | 'content' | 'padding';
      readonly offset: number;
      readonly sizeBytes: number;
      readonly entry: TarEntry;
    }
  | { readonly kind: 'end'; readonly offset: number; readonly sizeBytes: number }
  | {
      readonly kind: 'unknown';
      readonly offset: number;
      readonly sizeBytes: number;
      /** Why, for messages: completes "the tar header at OFFSET …". */
      readonly reason: string;
    };

/**
 * Gives the segments of `content`. Never throws for what the bytes are; the entry's `sizeBytes` is what is there, even
 * where its header claims more. The first zero block ends the archive, as it does for container engines: an archive
 * appended behind it is `unknown`. So is an extension that no entry follows.
 */
export function* walkTar(content: RandomAccess): Generator<TarSegment> {
  const total = content.sizeBytes;
  const fetch = openWindow(content);
  const globals: GlobalRecords = new Map();
  let offset = 0;
  while (offset < total) {
    const result = parseAt(offset, fetch, globals);
    if (result.kind !== 'entry') {
      yield* walkTail(content, offset, result);
      return;
    }
    const entry = clip(result.entry, total);
    yield { kind: 'header', offset, sizeBytes: entry.headerBytes, entry };
    offset += entry.headerBytes;
    if (entry.sizeBytes > 0) {
      yield { kind: 'content', offset, sizeBytes: entry.sizeBytes, entry };
      offset += entry.sizeBytes;
    }
    const padding = Math.min(paddedBytes(entry.sizeBytes) - entry.sizeBytes, total - offset);
    if (padding > 0) yield { kind: 'padding', offset, sizeBytes: padding, entry };
    offset += padding;
  }
}

function clip(entry: TarEntry, total: number): TarEntry {
  const left = total - entry.contentOffset;
  return entry.sizeBytes <= left ? entry : { ...entry, sizeBytes: left };
}

type Fetch = (position: number, length: number) => Uint8Array | undefined;

function parseAt(offset: number, fetch: Fetch, globals: GlobalRecords): HeaderResult {
  const parser = parseHeader(offset, globals);
  let position = offset;
  let step = parser.next();
  while (!step.done) {
    const bytes = fetch(position, step.value);
    position += step.value;
    step = parser.next(bytes);
  }
  return step.value;
}

const SMALL_WINDOW = 4 << 10;
const LARGE_WINDOW = 64 << 10;

/**
 * Reads through a window that runs ahead: large where headers lie close together (most of a layer's files are small),
 * small after a long step, where the rest would be content. Undefined when the input ends before.
 */
function openWindow(content: RandomAccess): Fetch {
  let window = Buffer.alloc(0);
  let start = 0;
  const buffer = Buffer.alloc(Math.min(LARGE_WINDOW, content.sizeBytes));
  return (position, length) => {
    const left = content.sizeBytes - position;
    if (length > left) return undefined;
    const inside = position - start;
    if (inside >= 0 && inside + length <= window.length) return window.subarray(inside, inside + length);
    if (length > SMALL_WINDOW) {
      const own = new Uint8Array(length);
      content.readAt(position, own);
      return own;
    }
    const isNear = inside >= 0 && inside <= window.length + SMALL_WINDOW;
    const wanted = isNear ? Math.min(window.length * 2, LARGE_WINDOW) : 0;
    window = buffer.subarray(0, Math.min(Math.max(wanted, SMALL_WINDOW), left));
    start = position;
    content.readAt(start, window);
    return window.subarray(0, length);
  };
}

/** The reason for an `unknown` that engines step over; every other they refuse. */
export const AFTER_END = 'comes after the end of the archive';

function* walkTail(content: RandomAccess, offset: number, result: HeaderResult): Generator<TarSegment> {
  let at = offset;
  if (result.kind === 'end') {
    at = skipZeros(content, offset + BLOCK_BYTES);
    yield { kind: 'end', offset, sizeBytes: at - offset };
  }
  const left = content.sizeBytes - at;
  const reason = result.kind === 'bad' ? result.reason : AFTER_END;
  if (left > 0) yield { kind: 'unknown', offset: at, sizeBytes: left, reason };
}

/** The position of the first byte from `position` on that isn't zero, or the end. */
function skipZeros(content: RandomAccess, position: number): number {
  const buffer = new Uint8Array(Math.min(LARGE_WINDOW, content.sizeBytes - position));
  for (let at = position; at < content.sizeBytes; ) {
    const piece = buffer.subarray(0, Math.min(buffer.length, content.sizeBytes - at));
    content.readAt(at, piece);
    for (let i = 0; i < piece.length; i++) if (piece[i] !== 0) return at + i;
    at += piece.length;
  }
  return content.sizeBytes;
}
