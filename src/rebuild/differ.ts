/** The bytes by which regions differ from the base: single bytes, each after a gap of equal ones (docs/format.md, "Gaps"). */
import { MAX_VARINT_BYTES } from '../bytes/varint.ts';
import { corrupt } from '../errors.ts';
import { isLow, type PlainReader, takeNumber } from './plain-reader.ts';

export interface Differ {
  /** Adds the differences that fall into the next `piece.length` bytes of regions. */
  apply(piece: Uint8Array): Promise<void>;
  assertEnd(): void;
}

/** Gaps count the equal bytes before each byte that differs, over all regions of the layer as one run. */
export function differ(gaps: PlainReader, diffs: PlainReader): Differ {
  let gap: number | undefined;
  const nextGap = async () => {
    if (isLow(gaps, MAX_VARINT_BYTES)) await gaps.ensure(MAX_VARINT_BYTES);
    return takeNumber(gaps, 'a gap');
  };
  return {
    async apply(piece) {
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
    },
    assertEnd() {
      if (gap !== undefined && gap !== 0) throw corrupt(`the gaps reach ${gap} bytes past the last region`);
    },
  };
}
