/**
 * The bytes by which regions differ from the base: single bytes, each after a gap of equal ones (docs/format.md,
 * "Gaps").
 */
import { MAX_VARINT_BYTES } from '../bytes/varint.ts';
import { corrupt } from '../errors.ts';
import { isLow, type PlainReader, takeNumber } from './plain-reader.ts';

/** What is prepared at once, at most: a step of a predictor. */
const PREPARED_BYTES = 1 << 16;

export interface Differ {
  /**
   * Adds the differences that fall into the next `piece.length` bytes of regions. Nothing is to be waited for if none
   * do.
   */
  apply(piece: Uint8Array): Promise<void> | undefined;
  /**
   * Has the differences of the next `count` (at most 2^16) bytes of regions ready for `correct`; mostly they are at
   * once.
   */
  prepare(count: number): Promise<void> | undefined;
  /** As `apply`, without waiting, for `bytes[from..to)`, which were prepared. */
  correct(bytes: Uint8Array, from: number, to: number): void;
  assertEnd(): void;
}

/** Is given where a byte differs, and by how much. */
type OnDiff = (at: number, difference: number) => void;

/**
 * Gaps count the equal bytes before each byte that differs, over all regions of the layer as one run. `onDifference` is
 * told the place in that run of each.
 */
export function differ(
  gaps: PlainReader,
  diffs: PlainReader,
  onDifference?: (place: number) => void,
): Differ {
  let scanned = 0;
  let gap: number | undefined;
  /** Bytes of the scan that is going on. */
  let at = 0;
  /** Goes on until the scan is done, or false when a number has to be waited for. */
  const goOn = (length: number, onDiff: OnDiff): boolean => {
    for (;;) {
      if (gap === undefined) {
        if (isLow(gaps, MAX_VARINT_BYTES)) return false;
        gap = takeNumber(gaps, 'a gap');
      }
      if (gap >= length - at) break;
      if (diffs.available === 0) {
        if (!diffs.ended) return false;
        throw corrupt('the differences end before the gaps do');
      }
      at += gap;
      onDiff(at, diffs.bytes[diffs.position]!);
      onDifference?.(scanned + at);
      diffs.position++;
      at++;
      gap = undefined;
    }
    gap -= length - at;
    scanned += length;
    at = 0;
    return true;
  };
  const wait = async (length: number, onDiff: OnDiff): Promise<void> => {
    do await (gap === undefined ? gaps.ensure(MAX_VARINT_BYTES) : diffs.ensure(1));
    while (!goOn(length, onDiff));
  };
  /** Tells the differences of the next `length` bytes. */
  const scan = (length: number, onDiff: OnDiff): Promise<void> | undefined =>
    goOn(length, onDiff) ? undefined : wait(length, onDiff);
  /**
   * Differences that are prepared: those from `used` to `filled`, in bytes of predicted regions counted from the
   * first.
   */
  const places = new Float64Array(2 * PREPARED_BYTES);
  const values = new Uint8Array(2 * PREPARED_BYTES);
  let used = 0;
  let filled = 0;
  let taken = 0;
  let ready = 0;

  return {
    apply(piece) {
      if (gap !== undefined && gap >= piece.length) {
        gap -= piece.length;
        scanned += piece.length;
        return undefined;
      }
      return scan(piece.length, (at, difference) => {
        piece[at]! += difference;
      });
    },
    prepare(count) {
      if (taken + count <= ready) return undefined;
      if (filled > PREPARED_BYTES) {
        places.copyWithin(0, used, filled);
        values.copyWithin(0, used, filled);
        filled -= used;
        used = 0;
      }
      const from = ready;
      ready = taken + count;
      return scan(ready - from, (at, difference) => {
        places[filled] = from + at;
        values[filled++] = difference;
      });
    },
    correct(bytes, from, to) {
      const end = taken + to - from;
      const start = from - taken;
      for (; used < filled && places[used]! < end; used++) bytes[start + places[used]!]! += values[used]!;
      taken = end;
    },
    assertEnd() {
      if (gap !== undefined && gap !== 0) throw corrupt(`the gaps reach ${gap} bytes past the last region`);
    },
  };
}
