/**
 * Writes a window of a changed file: what matches the base as regions, the rest as new bytes, and digests of files that
 * a reader can make as what they are, where they are new.
 */
import type { RandomAccess } from '../bytes/access.ts';
import { type DigestToken, findDigestTokens } from './digest-tokens.ts';
import type { LiteralKind, ProgramWriter } from './program.ts';
import type { Match } from './residual.ts';

/** What stretches of a file match, window by window. */
export interface MatchedWindow {
  /** Where in the file the window begins. */
  readonly start: number;
  /** Valid until the next window is asked for. */
  readonly bytes: Uint8Array;
  readonly kind: LiteralKind;
  /** By ascending newStart, which counts from the file's beginning; none overlapping. */
  readonly matches: readonly Match[];
}

/** A digest costs two ops, about: it is listed when at least so many of its letters are not those of the base. */
const MIN_NEW_LETTERS = 8;

interface Listed extends DigestToken {
  readonly number: number;
}

/** `digests` are those that a reader can list, by what they are. */
export function writeWindow(
  writer: ProgramWriter,
  window: MatchedWindow,
  base: RandomAccess,
  digests: ReadonlyMap<string, number>,
): void {
  const { start, bytes, kind, matches } = window;
  const listed = kind === 'text' && digests.size > 0 ? newDigests(window, base, digests) : [];
  let at = 0;
  let next = 0;
  /** Up to `end`, bytes that stand at `address` of the base, or new ones. */
  const writeTo = (end: number, address?: number) => {
    const shift = address === undefined ? 0 : address - at;
    const plainTo = (to: number) => {
      if (to > at && address !== undefined) writer.region(at + shift, bytes.subarray(at, to));
      else if (to > at) writer.literal(bytes.subarray(at, to), kind);
      at = Math.max(at, to);
    };
    for (let each = listed[next]; each !== undefined && each.start < end; each = listed[++next]) {
      plainTo(each.start);
      writer.listDigest(each.number, each.form, each.length);
      at = each.start + each.length;
    }
    plainTo(end);
  };
  for (const { newStart, address, length } of matches) {
    writeTo(newStart - start);
    // A digest may have taken the beginning of a match, or all of it.
    const taken = at - (newStart - start);
    if (taken < length) writeTo(newStart - start + length, address + taken);
  }
  writeTo(bytes.length);
}

function newDigests(
  window: MatchedWindow,
  base: RandomAccess,
  digests: ReadonlyMap<string, number>,
): readonly Listed[] {
  const listed: Listed[] = [];
  /** The first match that ends behind the digest's start. */
  let first = 0;
  for (const token of findDigestTokens(window.bytes)) {
    const number = digests.get(token.key);
    if (number === undefined) continue;
    const start = window.start + token.start;
    while (first < window.matches.length && endOf(window.matches[first]!) <= start) first++;
    if (token.length - knownLetters(token, window, first, base) >= MIN_NEW_LETTERS)
      listed.push({ ...token, number });
  }
  return listed;
}

/** How many letters of a digest the base has, at the place that they match. */
function knownLetters(
  token: DigestToken,
  { start, bytes, matches }: MatchedWindow,
  first: number,
  base: RandomAccess,
): number {
  const end = start + token.start + token.length;
  let known = 0;
  for (let i = first; i < matches.length && matches[i]!.newStart < end; i++) {
    const { newStart, address } = matches[i]!;
    const from = Math.max(newStart, start + token.start);
    const to = Math.min(endOf(matches[i]!), end);
    const old = new Uint8Array(to - from);
    base.readAt(address + from - newStart, old);
    for (let at = 0; at < old.length; at++) if (old[at] === bytes[from - start + at]) known++;
  }
  return known;
}

function endOf({ newStart, length }: Match): number {
  return newStart + length;
}
