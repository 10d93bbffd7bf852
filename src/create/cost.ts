/** Estimates what a way to make a file costs in a patch, by coding it fast: ways are compared by that, nothing else. */
import { brotliCompressSync, constants } from 'node:zlib';
import type { RandomAccess } from '../bytes/access.ts';
import { MAX_VARINT_BYTES, pushVarint, zigzag } from '../bytes/varint.ts';
import type { Match, Residual } from './residual.ts';

/** What the entropy coder makes of all that a way needs, about; in bytes. */
export function costOf(content: RandomAccess, matches: readonly Match[], { gaps, diffs }: Residual): number {
  const ops = meter();
  const literals = meter();
  const residual = meter();
  let at = 0;
  let expected = 0;
  const literalTo = (end: number) => {
    if (end > at) ops.number(8 * (end - at) + 1);
    while (at < end) {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, end - at));
      content.readAt(at, piece);
      literals.bytes(piece);
      at += piece.length;
    }
  };
  for (const { newStart, address, length } of matches) {
    literalTo(newStart);
    ops.number(8 * length);
    ops.number(zigzag(address - expected));
    expected = address + length;
    at = newStart + length;
  }
  literalTo(content.sizeBytes);
  for (const gap of gaps) residual.number(gap);
  const differences = meter();
  for (let i = 0; i < diffs.length; i += PIECE_BYTES) differences.bytes(diffs.subarray(i, i + PIECE_BYTES));
  return ops.total() + literals.total() + residual.total() + differences.total();
}

/** Measures what a stream codes to, a megabyte at a time: what a file leaves may be as large as the file. */
interface Meter {
  number(value: number): void;
  /** At most PIECE_BYTES of them. */
  bytes(bytes: Uint8Array): void;
  total(): number;
}

const METER_BYTES = 1 << 20;
const PIECE_BYTES = 1 << 16;

function meter(): Meter {
  let buffer = new Uint8Array(1 << 12);
  let filled = 0;
  let coded = 0;
  const number: number[] = [];
  const flush = () => {
    if (filled > 0) coded += coderBytes(buffer.subarray(0, filled));
    filled = 0;
  };
  const room = (count: number) => {
    if (filled + count > METER_BYTES) flush();
    if (filled + count <= buffer.length) return;
    const grown = new Uint8Array(Math.min(METER_BYTES, Math.max(2 * buffer.length, filled + count)));
    grown.set(buffer.subarray(0, filled));
    buffer = grown;
  };
  return {
    number(value) {
      room(MAX_VARINT_BYTES);
      number.length = 0;
      pushVarint(number, value);
      for (const byte of number) buffer[filled++] = byte;
    },
    bytes(bytes) {
      room(bytes.length);
      buffer.set(bytes, filled);
      filled += bytes.length;
    },
    total() {
      flush();
      return coded;
    },
  };
}

function coderBytes(bytes: Uint8Array): number {
  return brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 5, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  }).length;
}
