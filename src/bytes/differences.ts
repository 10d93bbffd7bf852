/** Finds the bytes in which two buffers differ, where most are the same: equal stretches are left to the system's comparison. */

/** Stretches that are compared at once; in one that differs, parts of it are, then bytes. */
const STRETCH_BYTES = 1 << 12;
const PART_BYTES = 1 << 7;

/** Calls `onDifference` with each place from `from` to `to`, ascending, at which `a` and `b` differ. */
export function eachDifference(
  a: Uint8Array,
  b: Uint8Array,
  from: number,
  to: number,
  onDifference: (at: number) => void,
): void {
  if (to - from < PART_BYTES) {
    for (let at = from; at < to; at++) if (a[at] !== b[at]) onDifference(at);
    return;
  }
  const left = Buffer.from(a.buffer, a.byteOffset, a.length);
  for (let at = from; at < to; at += STRETCH_BYTES) {
    const end = Math.min(to, at + STRETCH_BYTES);
    if (left.compare(b, at, end, at, end) === 0) continue;
    for (let part = at; part < end; part += PART_BYTES) {
      const stop = Math.min(end, part + PART_BYTES);
      if (left.compare(b, part, stop, part, stop) === 0) continue;
      for (let i = part; i < stop; i++) if (a[i] !== b[i]) onDifference(i);
    }
  }
}
