/** Between a sink, which is called, and a stream, which is asked: what came is held until it is handed out. */
import type { ByteSink } from './bits.ts';

export interface HeldOutput {
  readonly sink: ByteSink;
  /** All that is held, which then is nothing any more; valid until the sink is called again. */
  take(): Uint8Array;
}

const FIRST_BYTES = 1 << 16;

/** Memory: as much as was ever held at once, `firstBytes` at first, used again and again. */
export function holdOutput(firstBytes = FIRST_BYTES): HeldOutput {
  let held = new Uint8Array(firstBytes);
  let used = 0;
  return {
    sink(piece) {
      if (used + piece.length > held.length) {
        const larger = new Uint8Array(Math.max(used + piece.length, 2 * held.length));
        larger.set(held.subarray(0, used));
        held = larger;
      }
      held.set(piece, used);
      used += piece.length;
    },
    take() {
      const all = held.subarray(0, used);
      used = 0;
      return all;
    },
  };
}
