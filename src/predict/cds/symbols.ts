/**
 * Symbols of the virtual machine as they stand in an archive, one behind the other: a hash of 16 bits that is random,
 * though the random numbers are drawn in the order of the symbols from a seed that is always the same (openjdk,
 * ArchiveBuilder::sort_symbols_and_fix_hash), a count that means "for ever", a length, the text.
 */
import type { OldBytes } from '../elf/old-bytes.ts';
import { type NumberList, numberList } from '../elf/tables.ts';
import type { CdsRegion } from './model.ts';

/** Count (ff ff), hash and length; then the text. */
export const SYMBOL_HEADER_BYTES = 6;
const SEED = 0x12345678;
const MODULUS = 2 ** 31 - 1;
const MULTIPLIER = 16807;
const FOR_EVER = 0xffff;
/** More are not followed. The JDK's own archives have some 45,000. */
const MAX_SYMBOLS = 1 << 18;
/** So many must be as expected at the beginning. */
const MIN_SYMBOLS = 64;

/** Park and Miller's generator; exact, for the product stays below 2^46. */
function draw(random: number): number {
  return (random * MULTIPLIER) % MODULUS;
}

function symbolBytes(textBytes: number): number {
  return (SYMBOL_HEADER_BYTES + textBytes + 7) & ~7;
}

/** How many symbols stand at the beginning of the region; 0 when they are not as they would have to be. */
export function countSymbols(bytes: OldBytes, region: CdsRegion): number {
  let count = 0;
  for (const _ of symbolPlaces(bytes, region)) count++;
  return count < MIN_SYMBOLS ? 0 : count;
}

/** Where symbols begin, from the region's beginning on, one after the other. */
export function* symbolPlaces(bytes: OldBytes, { offset, sizeBytes }: CdsRegion): Generator<number> {
  let random = draw(SEED);
  let at = offset;
  for (let count = 0; count < MAX_SYMBOLS && at + 8 <= offset + sizeBytes; count++) {
    if (bytes.u16(at) !== FOR_EVER || bytes.u16(at + 2) !== (random & 0xffff)) return;
    yield at;
    random = draw(random);
    at += symbolBytes(bytes.u16(at + 4));
  }
}

/** Follows the symbols of a new file while its bytes become known. */
export interface SymbolNews {
  /** Where the symbol begins whose header is to come next; infinite when none is expected. */
  place(): number;
  /** The 16 bits of hash that it should have. */
  hash(): number;
  /** True bytes of the new file, from `start` on; what comes in is all of the file, in its order. */
  take(start: number, bytes: Uint8Array): void;
  /** Of each symbol that is known whole: its offset from the base, and the hash of its text, in 32 bits. */
  readonly offsets: NumberList;
  readonly textHashes: NumberList;
}

/** The symbols that `region` of the new file begins with; addresses are told as what they are above `base`. */
export function openSymbolNews(region: CdsRegion, base: number): SymbolNews {
  const header = new Uint8Array(SYMBOL_HEADER_BYTES);
  const end = region.offset + region.sizeBytes;
  const offsets = numberList();
  const textHashes = numberList();
  let start = region.offset;
  let random = draw(SEED);
  let textEnd = -1;
  let next = start + 8 > end ? Number.POSITIVE_INFINITY : start;
  let textHash = 0;

  const finishHeader = () => {
    const count = header[0]! | (header[1]! << 8);
    const hash = header[2]! | (header[3]! << 8);
    if (count !== FOR_EVER || hash !== (random & 0xffff)) {
      next = Number.POSITIVE_INFINITY;
      return;
    }
    const textBytes = header[4]! | (header[5]! << 8);
    textEnd = start + SYMBOL_HEADER_BYTES + textBytes;
    next = start + symbolBytes(textBytes);
    if (next + 8 > end || offsets.length === MAX_SYMBOLS - 1) next = Number.POSITIVE_INFINITY;
    random = draw(random);
    textHash = 0;
  };
  const finishText = () => {
    offsets.push((region.address + start - region.offset - base) | 0);
    textHashes.push(textHash);
    start = next;
    textEnd = -1;
  };
  return {
    place: () => next,
    hash: () => random & 0xffff,
    take(from, bytes) {
      const to = from + bytes.length;
      for (let at = Math.max(from, start); at < to; ) {
        if (textEnd < 0) {
          if (next !== start) return;
          header[at - start] = bytes[at - from]!;
          if (++at - start < SYMBOL_HEADER_BYTES) continue;
          finishHeader();
        } else {
          const stop = Math.min(to, textEnd);
          for (; at < stop; at++) textHash = (Math.imul(textHash, 31) + bytes[at - from]!) | 0;
        }
        if (textEnd < 0 || at < textEnd) continue;
        finishText();
        at = Math.max(at, start);
      }
    },
    offsets,
    textHashes,
  };
}
