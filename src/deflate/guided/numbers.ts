/** Numbers in adaptive bits. */
import { corrupt } from '../../errors.ts';
import { type BitCoder, Contexts } from './range-coder.ts';

const MOST_BITS = 24;

/** Numbers up to 2^24 − 2 of unknown spread, small ones cheap: a length in unary, then the bits below the first. */
export class NumberCode {
  readonly #sizes = new Contexts(MOST_BITS + 1);
  readonly #firstBits = new Contexts((MOST_BITS + 1) * 4);

  code(coder: BitCoder, value: number): number {
    const wanted = value + 1;
    let size = 0;
    const wantedSize = 31 - Math.clz32(wanted);
    while (coder.bit(this.#sizes, size, size < wantedSize ? 1 : 0) === 1) {
      if (++size > MOST_BITS - 1) throw corrupt('the corrections of a blob hold a number that is too large');
    }
    let result = 1;
    for (let shift = size - 1; shift >= 0; shift--) {
      const bit = (wanted >> shift) & 1;
      const known = size - 1 - shift;
      // Only the two bits after the first are worth learning.
      if (known >= 2) result = (result << 1) | coder.plain(1, bit);
      else result = (result << 1) | coder.bit(this.#firstBits, size * 4 + known * 2 + (result & known), bit);
    }
    return result - 1;
  }
}
