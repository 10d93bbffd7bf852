/**
 * Predicts .gnu.hash (the GNU loader's symbol hash table) from the names of the old symbols: the filter, the buckets
 * and the chains that they make in a table of the new size. The true chains tell which new symbol is which old one.
 */

import { getI32, setI32 } from './bytes.ts';
import { startDraft } from './entries.ts';
import type { Area } from './image.ts';
import { type Context, copyStepper, type Piece, STEP_BYTES, type Stepper } from './piece.ts';
import { MAX_RECORDS, type Tables } from './tables.ts';

const HEADER_WORDS = 4;
const SYMBOL_BYTES = 24;
/** Names read in all, and of one symbol: hostile tables may have all symbols share one long name. */
const MAX_NAME_BYTES = 1 << 25;
const MAX_ONE_NAME_BYTES = 1 << 12;
/** Symbols of one bucket that are compared with a new one. */
const MAX_BUCKET_SEARCH = 32;

export function gnuHashStepper(context: Context, piece: Piece, area: Area): Stepper {
  const symbols = piece.oldStart === area.start ? hashOldSymbols(context, area) : undefined;
  if (symbols === undefined || piece.length < HEADER_WORDS * 4) return copyStepper(context, piece);
  const draft = startDraft();
  const totalWords = Math.floor(piece.length / 4);
  let predict: ((bytes: Uint8Array, at: number, word: number) => void) | undefined;
  let done = 0;
  return (into, correct) => {
    draft.begin(into, correct);
    const count = Math.min(piece.length - done, STEP_BYTES);
    context.old.copy(piece.oldStart + done, into.subarray(0, count));
    let at = 0;
    if (done === 0) {
      at = HEADER_WORDS * 4;
      draft.fixTo(at);
      predict = wordPredictor(context.tables, symbols, into, totalWords, (end) => draft.fixTo(end));
    }
    for (; predict !== undefined && at + 4 <= count; at += 4) predict(into, at, (done + at) / 4);
    draft.fixTo(count);
    done += count;
    return count;
  };
}

/** A predictor of the words after the header, which is true; undefined when the header makes no sense. */
function wordPredictor(
  tables: Tables,
  symbols: OldSymbols,
  header: Uint8Array,
  totalWords: number,
  fixTo: (end: number) => void,
): ((bytes: Uint8Array, at: number, word: number) => void) | undefined {
  const bucketCount = getI32(header, 0) >>> 0;
  const firstSymbol = getI32(header, 4) >>> 0;
  const filterWords = getI32(header, 8) >>> 0;
  const bucketsAt = HEADER_WORDS + 2 * filterWords;
  const chainsAt = bucketsAt + bucketCount;
  if (chainsAt > totalWords || bucketCount === 0 || filterWords === 0) return undefined;
  const filter = makeFilter(symbols.hashes, filterWords, getI32(header, 12));
  const { starts, members } = sortIntoBuckets(symbols.hashes, bucketCount);
  const taken = new Uint8Array(members.length);
  /** Bucket → its first chain in the new table, or -1. */
  const firstChains = new Int32Array(bucketCount).fill(-1);
  const chainCount = totalWords - chainsAt;
  /** How many more symbols the new buckets had so far. */
  let drift = 0;
  let bucket = -1;
  let nextBucket = 0;
  const moveToNext = () => {
    while (nextBucket < bucketCount && firstChains[nextBucket]! < 0) nextBucket++;
  };

  const predictBucket = (bytes: Uint8Array, at: number, number: number) => {
    const begin = starts[number]!;
    setI32(bytes, at, begin === starts[number + 1] ? 0 : firstSymbol + begin + drift);
    fixTo(at + 4);
    const actual = (getI32(bytes, at) >>> 0) - firstSymbol;
    if (actual < 0 || actual >= chainCount) return;
    firstChains[number] = actual;
    drift = actual - begin;
  };
  const predictChain = (bytes: Uint8Array, at: number, chain: number) => {
    if (bucket < 0) moveToNext();
    while (nextBucket < bucketCount && firstChains[nextBucket]! <= chain) {
      bucket = nextBucket++;
      moveToNext();
    }
    const last = nextBucket < bucketCount ? firstChains[nextBucket] === chain + 1 : chain + 1 === chainCount;
    const from = bucket < 0 ? 0 : starts[bucket]!;
    const to = bucket < 0 ? 0 : Math.min(starts[bucket + 1]!, from + MAX_BUCKET_SEARCH);
    let expected = from;
    while (expected < to && taken[expected] === 1) expected++;
    const hash = expected < to ? symbols.hashes[members[expected]!]! : 0;
    setI32(bytes, at, (hash & ~1) | (last ? 1 : 0));
    fixTo(at + 4);
    const actual = getI32(bytes, at) | 1;
    let found = from;
    while (found < to && (taken[found] === 1 || (symbols.hashes[members[found]!]! | 1) !== actual)) found++;
    if (found === to) {
      tables.oldSymbols.set(firstSymbol + chain, -1);
      return;
    }
    taken[found] = 1;
    const symbol = symbols.first + members[found]!;
    tables.oldSymbols.set(firstSymbol + chain, symbol);
    tables.newSymbols.set(symbol, firstSymbol + chain + 1);
  };
  return (bytes, at, word) => {
    if (word < bucketsAt) setI32(bytes, at, filter[word - HEADER_WORDS] ?? 0);
    else if (word < chainsAt) predictBucket(bytes, at, word - bucketsAt);
    else predictChain(bytes, at, word - chainsAt);
  };
}

interface OldSymbols {
  /** Number of the first hashed symbol. */
  readonly first: number;
  readonly hashes: Int32Array;
}

function hashOldSymbols(context: Context, area: Area): OldSymbols | undefined {
  const { old, image } = context;
  const symbols = image.sections[area.section?.link ?? 0];
  const names = image.sections[symbols?.link ?? 0];
  if (symbols?.kind !== 'symbols' || !symbols.stored || names?.stored !== true) return undefined;
  const first = old.u32(area.start + 4);
  const count = Math.floor(symbols.size / SYMBOL_BYTES) - first;
  if (count <= 0 || count > MAX_RECORDS) return undefined;
  const hashes = new Int32Array(count);
  let budget = MAX_NAME_BYTES;
  for (let i = 0; i < count && budget > 0; i++) {
    const start = names.offset + old.u32(symbols.offset + (first + i) * SYMBOL_BYTES);
    let hash = 5381;
    let at = start;
    for (; at < start + MAX_ONE_NAME_BYTES; at++) {
      const byte = old.u8(at);
      if (byte === 0) break;
      hash = (Math.imul(hash, 33) + byte) | 0;
    }
    budget -= at - start;
    hashes[i] = hash;
  }
  return { first, hashes };
}

/** The Bloom filter that has all the hashes in it, as pairs of words. */
function makeFilter(hashes: Int32Array, words: number, shift: number): Int32Array {
  const filter = new Int32Array(2 * words);
  for (const signed of hashes) {
    const hash = signed >>> 0;
    const word = 2 * (Math.floor(hash / 64) % words);
    for (const bit of [hash & 63, (hash >>> (shift & 31)) & 63])
      filter[word + (bit >> 5)]! |= 1 << (bit & 31);
  }
  return filter;
}

interface Buckets {
  /** Bucket → its first place in `members`; one more than there are buckets. */
  readonly starts: Int32Array;
  /** Symbols by bucket, in their order. */
  readonly members: Int32Array;
}

function sortIntoBuckets(hashes: Int32Array, bucketCount: number): Buckets {
  const starts = new Int32Array(bucketCount + 1);
  for (const hash of hashes) starts[((hash >>> 0) % bucketCount) + 1]!++;
  for (let i = 0; i < bucketCount; i++) starts[i + 1]! += starts[i]!;
  const members = new Int32Array(hashes.length);
  const filled = starts.slice();
  for (let i = 0; i < hashes.length; i++) members[filled[(hashes[i]! >>> 0) % bucketCount]!++] = i;
  return { starts, members };
}
