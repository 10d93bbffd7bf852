/** Estimates what a way to make a file costs in a patch, by coding it fast: ways are compared by that, nothing else. */
import { brotliCompressSync, constants } from 'node:zlib';
import type { RandomAccess } from '../bytes/access.ts';
import { eachDifference } from '../bytes/differences.ts';
import { MAX_VARINT_BYTES, zigzag } from '../bytes/varint.ts';
import type { Match, Residual } from './residual.ts';

/** What the entropy coder makes of all that a way needs, about; in bytes. */
export function costOf(content: RandomAccess, matches: readonly Match[], residual: Residual): number {
  const meters = openMeters(content, METER_BYTES);
  for (const match of matches) meters.match(match);
  meters.end();
  meters.residual(residual);
  return meters.total();
}

/**
 * Whether `content`, made of these matches without prediction, costs more than `limitBytes`. Goes no further than it
 * takes to know that: where prediction pays, the rest of the file is not looked at.
 */
export function costsMore(
  base: RandomAccess,
  content: RandomAccess,
  matches: readonly Match[],
  limitBytes: number,
): boolean {
  const meters = openMeters(content, PIECE_BYTES);
  const [old, next] = [new Uint8Array(PIECE_BYTES), new Uint8Array(PIECE_BYTES)];
  for (const match of matches) {
    meters.match(match);
    for (let done = 0; done < match.length; done += PIECE_BYTES) {
      const count = Math.min(PIECE_BYTES, match.length - done);
      base.readAt(match.address + done, old.subarray(0, count));
      content.readAt(match.newStart + done, next.subarray(0, count));
      meters.compared(next, old, count);
      if (meters.measured() > limitBytes) return true;
    }
  }
  meters.end();
  return meters.total() > limitBytes;
}

/** Measures what is told, each kind of bytes on its own. */
function openMeters(content: RandomAccess, meterBytes: number) {
  const [ops, literals, gaps, diffs] = [
    meter(meterBytes),
    meter(meterBytes),
    meter(meterBytes),
    meter(meterBytes),
  ];
  let at = 0;
  let expected = 0;
  /** Equal bytes before the next that differs. */
  let equal = 0;
  const literalTo = (end: number) => {
    if (end > at) ops.number(8 * (end - at) + 1);
    while (at < end) {
      const piece = new Uint8Array(Math.min(PIECE_BYTES, end - at));
      content.readAt(at, piece);
      literals.bytes(piece);
      at += piece.length;
    }
  };
  return {
    /** And what lies before it. */
    match({ newStart, address, length }: Match) {
      literalTo(newStart);
      ops.number(8 * length);
      ops.number(zigzag(address - expected));
      expected = address + length;
      at = newStart + length;
    },
    end: () => literalTo(content.sizeBytes),
    residual({ gaps: found, diffs: differences }: Residual) {
      for (let i = 0; i < found.length; i++) gaps.number(found[i]!);
      for (let i = 0; i < differences.length; i += PIECE_BYTES)
        diffs.bytes(differences.subarray(i, i + PIECE_BYTES));
    },
    /** The residual of the next `count` bytes that matches cover. */
    compared(next: Uint8Array, old: Uint8Array, count: number) {
      let from = 0;
      eachDifference(next, old, 0, count, (place) => {
        gaps.number(equal + place - from);
        diffs.byte(next[place]! - old[place]!);
        equal = 0;
        from = place + 1;
      });
      equal += count - from;
    },
    /** Of what was told so far, what is measured already. */
    measured: () => ops.measured() + literals.measured() + gaps.measured() + diffs.measured(),
    total: () => ops.total() + literals.total() + gaps.total() + diffs.total(),
  };
}

/** Measures what a stream codes to, a buffer at a time: what a file leaves may be as large as the file. */
interface Meter {
  number(value: number): void;
  byte(value: number): void;
  /** At most PIECE_BYTES of them. */
  bytes(bytes: Uint8Array): void;
  measured(): number;
  total(): number;
}

const METER_BYTES = 1 << 20;
const PIECE_BYTES = 1 << 16;

/** Measures `meterBytes` at a time, PIECE_BYTES at least. */
function meter(meterBytes: number): Meter {
  let buffer = new Uint8Array(1 << 12);
  let filled = 0;
  let coded = 0;
  const flush = () => {
    if (filled > 0) coded += coderBytes(buffer.subarray(0, filled));
    filled = 0;
  };
  const room = (count: number) => {
    if (filled + count > meterBytes) flush();
    if (filled + count <= buffer.length) return;
    const grown = new Uint8Array(Math.min(meterBytes, Math.max(2 * buffer.length, filled + count)));
    grown.set(buffer.subarray(0, filled));
    buffer = grown;
  };
  return {
    number(value) {
      room(MAX_VARINT_BYTES);
      // In place: millions of numbers are measured.
      let rest = value;
      for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) buffer[filled++] = (rest % 0x80) | 0x80;
      buffer[filled++] = rest;
    },
    byte(value) {
      room(1);
      buffer[filled++] = value;
    },
    bytes(bytes) {
      room(bytes.length);
      buffer.set(bytes, filled);
      filled += bytes.length;
    },
    measured: () => coded,
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
