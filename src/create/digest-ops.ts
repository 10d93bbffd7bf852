/** The ops that have a reader make digests, and list them (docs/format.md, "Digests"). */
import { zigzag } from '../bytes/varint.ts';
import { DIGEST_USES, MAX_DIGESTS } from '../patch/format.ts';
import type { DigestForm } from '../predict/listed-digest.ts';

export interface DigestOps {
  /** How many digests are asked for. */
  readonly count: number;
  /** The number of one more, or undefined when a reader makes no more. */
  mark(): number | undefined;
  /** The length of the op that lists a digest. */
  list(number: number, form: DigestForm): number;
}

export function startDigestOps(): DigestOps {
  let count = 0;
  let expected = 0;
  return {
    get count() {
      return count;
    },
    mark: () => (count < MAX_DIGESTS ? count++ : undefined),
    list(number, form) {
      const length = DIGEST_USES + 2 * zigzag(number - expected) + form;
      expected = number + 1;
      return length;
    },
  };
}
