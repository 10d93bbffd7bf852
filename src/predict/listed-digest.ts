/**
 * Digests as lists of files have them: of which algorithms, and in which letters. The numbers are on the wire
 * (docs/format.md, "Digests").
 */
import { createHash, type Hash } from 'node:crypto';
import { corrupt, DidiffError } from '../errors.ts';

/** By number, from 1 on. */
const ALGORITHMS = [
  { name: 'md5', bytes: 16 },
  { name: 'sha1', bytes: 20 },
  { name: 'sha256', bytes: 32 },
  { name: 'sha512', bytes: 64 },
] as const;

/** How a digest is written: in lower-case hexadecimal digits, or in base64 for URLs (RFC 4648, section 5) without `=`. */
export const FORM_HEX = 0;
export const FORM_BASE64URL = 1;
export type DigestForm = typeof FORM_HEX | typeof FORM_BASE64URL;

export function isAlgorithm(number: number): boolean {
  return number >= 1 && number <= ALGORITHMS.length;
}

/** The algorithm whose digests have so many bytes; undefined where there is none. */
export function algorithmOfSize(sizeBytes: number): number | undefined {
  const at = ALGORITHMS.findIndex(({ bytes }) => bytes === sizeBytes);
  return at < 0 ? undefined : at + 1;
}

/** Throws CORRUPT_INPUT for an algorithm that is not there, UNSUPPORTED where this machine's policy forbids it. */
export function startHash(algorithm: number): Hash {
  const known = ALGORITHMS[algorithm - 1];
  if (known === undefined) throw corrupt(`there is no digest algorithm ${algorithm}`);
  try {
    return createHash(known.name);
  } catch (cause) {
    throw new DidiffError(
      'UNSUPPORTED',
      `this machine makes no ${known.name} digests, which the patch asks for`,
      {
        hint: 'Apply the patch without a FIPS policy, or make it with a lower effort.',
        cause,
      },
    );
  }
}

/** Whether this machine makes digests of an algorithm. */
export function canHash(algorithm: number): boolean {
  try {
    startHash(algorithm);
    return true;
  } catch {
    return false;
  }
}

/** The text of a digest. */
export function digestText(digest: Uint8Array, form: DigestForm): Uint8Array {
  return Buffer.from(Buffer.from(digest).toString(form === FORM_HEX ? 'hex' : 'base64url'), 'latin1');
}

/** The digest that `text` is, if it is just what `digestText` makes of one. */
export function parseDigestText(text: string, form: DigestForm): Uint8Array | undefined {
  const encoding = form === FORM_HEX ? 'hex' : 'base64url';
  const digest = Buffer.from(text, encoding);
  return digest.toString(encoding) === text ? digest : undefined;
}
