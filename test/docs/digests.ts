/** Section 7.9 of docs/format.md by the letter: digests of what was made are made when they are listed. */
import { createHash } from 'node:crypto';

const ALGORITHMS = ['md5', 'sha1', 'sha256', 'sha512'];

/** What is made of the tar, or was when the op of the tar began that is being run. */
export interface Made {
  readonly tar: Uint8Array;
  readonly produced: number;
}

export function openDigests() {
  const marks: { readonly algorithm: number; readonly start: number; readonly end: number }[] = [];
  let place = 0;
  return {
    /** A mark of length 1..4, for the next `size` bytes. */
    mark(algorithm: number, size: number | undefined, { tar, produced }: Made): void {
      if (size === undefined || size === 0 || size > tar.length - produced)
        throw new Error('there is nothing to make a digest of');
      if (marks.some((each) => each.algorithm === algorithm && each.end > produced))
        throw new Error('a digest of the algorithm is not yet made');
      if (marks.length === 65_536) throw new Error('too many digests');
      marks.push({ algorithm, start: produced, end: produced + size });
    },
    /** The text that an op of length 8 or more makes. */
    list(length: number, { tar, produced }: Made): Uint8Array {
      const zigzag = Math.floor((length - 8) / 2);
      const mark = marks[place + (zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2)];
      if (mark === undefined || mark.end > produced) throw new Error('there is no such digest');
      place = marks.indexOf(mark) + 1;
      const hash = createHash(ALGORITHMS[mark.algorithm - 1]!).update(tar.subarray(mark.start, mark.end));
      return Buffer.from(hash.digest(length % 2 === 0 ? 'hex' : 'base64url'));
    },
  };
}
