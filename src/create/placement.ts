/**
 * Where in the layer the bytes of opened parts count: streams are interleaved by the place at which a reader needs them,
 * and within a part places go from its beginning to its end in the layer, in proportion.
 */
import type { Spool } from './spool.ts';

/** What is being written, seen from the layer. */
interface Frame {
  /** Place in the layer where it begins. */
  readonly start: number;
  /** Bytes of the layer for each of its own. */
  readonly scale: number;
  /** Own bytes of what lies around it, before it and with it. */
  readonly outerEnd: number;
}

export interface Placement {
  /** The place in the layer of byte `at` of what is being written. */
  of(at: number): number;
  /** A part begins at byte `at`: `plainBytes` that stand in it, closed, as `closedBytes`. */
  enter(at: number, plainBytes: number, closedBytes: number): void;
  /** The part is complete; gives where what lies around it goes on. */
  leave(): number;
}

export function startPlacement(): Placement {
  const frames: Frame[] = [{ start: 0, scale: 1, outerEnd: 0 }];
  const place = (at: number): number => {
    const { start, scale } = frames.at(-1)!;
    return Math.floor(start + at * scale);
  };
  return {
    of: place,
    enter(at, plainBytes, closedBytes) {
      const { scale } = frames.at(-1)!;
      frames.push({
        start: place(at),
        scale: (scale * closedBytes) / plainBytes,
        outerEnd: at + closedBytes,
      });
    },
    leave: () => frames.pop()!.outerEnd,
  };
}

/** A stream whose bytes are needed at places of what is being written. */
export function placed(
  spool: Spool,
  placement: Placement,
): Pick<Spool, 'append' | 'appendByte' | 'appendNumber'> {
  return {
    append: (bytes, at) => spool.append(bytes, placement.of(at)),
    appendByte: (byte, at) => spool.appendByte(byte, placement.of(at)),
    appendNumber: (value, at) => spool.appendNumber(value, placement.of(at)),
  };
}
