/** The bytes by which regions differ from the base: single bytes, each after a gap of equal ones (docs/format.md, "Gaps"). */
import { MAX_VARINT_BYTES } from '../bytes/varint.ts';
import { corrupt } from '../errors.ts';
import { isLow, type PlainReader, takeNumber } from './plain-reader.ts';

/** Four steps of a predictor, so that what is left over is rarely moved. */
const PREPARED_BYTES = 1 << 18;

export interface Differ {
  /** Adds the differences that fall into the next `piece.length` bytes of regions. */
  apply(piece: Uint8Array): Promise<void>;
  /** Has the differences of the next `count` (at most 2^16) bytes of regions ready for `correct`. */
  prepare(count: number): Promise<void>;
  /** As `apply`, without waiting: for bytes that were prepared. */
  correct(piece: Uint8Array): void;
  assertEnd(): void;
}

/** Gaps count the equal bytes before each byte that differs, over all regions of the layer as one run. */
export function differ(gaps: PlainReader, diffs: PlainReader): Differ {
  let gap: number | undefined;
  const nextGap = async () => {
    if (isLow(gaps, MAX_VARINT_BYTES)) await gaps.ensure(MAX_VARINT_BYTES);
    return takeNumber(gaps, 'a gap');
  };
  const apply = async (piece: Uint8Array) => {
    gap ??= await nextGap();
    let at = 0;
    while (gap < piece.length - at) {
      at += gap;
      if (diffs.available === 0) await diffs.ensure(1);
      if (diffs.available === 0) throw corrupt('the differences end before the gaps do');
      piece[at]! += diffs.bytes[diffs.position]!;
      diffs.position++;
      at++;
      gap = gaps.available >= MAX_VARINT_BYTES ? takeNumber(gaps, 'a gap') : await nextGap();
    }
    gap -= piece.length - at;
  };
  /** Differences that were prepared: those from `taken` to `ready` are still to be used. */
  let prepared: Uint8Array | undefined;
  let taken = 0;
  let ready = 0;

  return {
    apply,
    async prepare(count) {
      prepared ??= new Uint8Array(PREPARED_BYTES);
      if (taken + count > prepared.length) {
        prepared.copyWithin(0, taken, ready);
        ready -= taken;
        taken = 0;
      }
      if (taken + count <= ready) return;
      const more = prepared.subarray(ready, taken + count).fill(0);
      ready = taken + count;
      await apply(more);
    },
    correct(piece) {
      for (let i = 0; i < piece.length; i++) piece[i]! += prepared![taken + i]!;
      taken += piece.length;
    },
    assertEnd() {
      if (gap !== undefined && gap !== 0) throw corrupt(`the gaps reach ${gap} bytes past the last region`);
    },
  };
}
