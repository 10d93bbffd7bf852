/**
 * The digests of a layer's stretches that its ops ask for, made while the layer passes by: what isn't marked is not
 * hashed. One stretch per algorithm is open at a time, so that hashing never costs more than the layer's size does.
 */
import type { Hash } from 'node:crypto';
import { corrupt } from '../errors.ts';
import { MAX_DIGESTS } from '../patch/format.ts';
import { type DigestForm, digestText, startHash } from '../predict/listed-digest.ts';

export interface DigestBook {
  /** The `length` bytes of the tar from `start` on, all yet to be made, get a digest. Throws CORRUPT_INPUT. */
  mark(algorithm: number, start: number, length: number): void;
  /** The place up to which bytes must be seen so that all digests are there; Infinity when none is waiting. */
  readonly due: number;
  /** Takes the tar's bytes from `start` on; bytes seen before are passed over. */
  see(start: number, bytes: Uint8Array): void;
  /** Throws CORRUPT_INPUT for a digest that is not there, or not yet. */
  text(number: number, form: DigestForm): Uint8Array;
}

interface Stretch {
  readonly algorithm: number;
  readonly number: number;
  readonly start: number;
  readonly end: number;
  readonly hash: Hash;
}

export function openDigestBook(): DigestBook {
  /** As strings of one character per byte, which take least memory. */
  const digests: (string | undefined)[] = [];
  let open: Stretch[] = [];
  let due = Number.POSITIVE_INFINITY;
  let seen = 0;
  return {
    get due() {
      return due;
    },
    mark(algorithm, start, length) {
      if (digests.length === MAX_DIGESTS) throw corrupt(`a layer asks for more than ${MAX_DIGESTS} digests`);
      if (open.some((each) => each.algorithm === algorithm))
        throw corrupt(`a digest is asked for at ${start} while another of its kind is not made`);
      const end = start + length;
      open.push({ algorithm, number: digests.length, start, end, hash: startHash(algorithm) });
      digests.push(undefined);
      due = Math.min(due, end);
    },
    see(start, bytes) {
      const end = start + bytes.length;
      if (end <= seen) return;
      for (const each of open) {
        const from = Math.max(seen, each.start);
        const to = Math.min(end, each.end);
        if (to > from) each.hash.update(bytes.subarray(from - start, to - start));
        if (end >= each.end) digests[each.number] = each.hash.digest().toString('latin1');
      }
      seen = end;
      if (seen < due) return;
      open = open.filter((each) => each.end > seen);
      due = Math.min(Number.POSITIVE_INFINITY, ...open.map((each) => each.end));
    },
    text(number, form) {
      const digest = digests[number];
      if (digest !== undefined) return digestText(Buffer.from(digest, 'latin1'), form);
      throw corrupt(`digest ${number} is listed before it is made; ${digests.length} are asked for so far`);
    },
  };
}
