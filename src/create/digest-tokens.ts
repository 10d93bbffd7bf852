/**
 * Finds what may be a digest in text: a word of just the length and the letters that one has. Names and the words around
 * play no part; what isn't the digest of a file costs only the time to look it up.
 */
import {
  algorithmOfSize,
  type DigestForm,
  FORM_BASE64URL,
  FORM_HEX,
  parseDigestText,
} from '../predict/listed-digest.ts';

export interface DigestToken {
  /** Where in the text it begins. */
  readonly start: number;
  readonly length: number;
  readonly form: DigestForm;
  /** The digest, one character per byte: its length tells the algorithm. */
  readonly key: string;
}

/** SHA-256, in base64 for URLs: Python's lists have no other. */
const BASE64URL_LENGTH = 43;
/** Words of other lengths are passed over. */
const SHORTEST = 32;

const OTHER = 0;
const HEX = 1;
const WORD = 2;
const KINDS = Uint8Array.from({ length: 256 }, (_, code) => {
  const letter = String.fromCharCode(code);
  if (/[0-9a-f]/.test(letter)) return HEX;
  return /[A-Za-z0-9_-]/.test(letter) ? WORD : OTHER;
});

/**
 * In order. A word that the text's beginning or end cuts is taken as it stands. No word that is long enough lies between
 * two places that are as far from each other: most letters are never looked at.
 */
export function* findDigestTokens(text: Uint8Array): Generator<DigestToken> {
  for (let start = 0; start + SHORTEST <= text.length; ) {
    let at = start + SHORTEST - 1;
    while (at >= start && KINDS[text[at]!] !== OTHER) at--;
    if (at >= start) {
      start = at + 1;
      continue;
    }
    let end = start + SHORTEST;
    while (end < text.length && KINDS[text[end]!] !== OTHER) end++;
    const token = tokenAt(text, start, end - start);
    if (token !== undefined) yield token;
    start = end + 1;
  }
}

function tokenAt(text: Uint8Array, start: number, length: number): DigestToken | undefined {
  const isHex = text.subarray(start, start + length).every((code) => KINDS[code] === HEX);
  const form = isHex ? FORM_HEX : FORM_BASE64URL;
  if (isHex ? length % 2 === 1 || algorithmOfSize(length / 2) === undefined : length !== BASE64URL_LENGTH)
    return undefined;
  const word = Buffer.from(text.buffer, text.byteOffset + start, length).toString('latin1');
  const digest = parseDigestText(word, form);
  return digest && { start, length, form, key: Buffer.from(digest).toString('latin1') };
}
