/**
 * Predicts hash tables of compact form (openjdk, CompactHashtableWriter): buckets, each of which says where its entries
 * begin, then entries, a hash and a value each. That of the symbols follows from the new symbols; others have the old
 * entries, moved, in buckets of their own. Buckets are true before their entries are predicted.
 */
import { getI32, setI32 } from '../elf/bytes.ts';
import { type Context, copyStepper, type Piece, STEP_BYTES, type Stepper } from '../elf/piece.ts';
import type { TableEntries } from './entries.ts';
import { entriesAt, MAX_BUCKETS } from './tables.ts';

/** In the highest two bits of a bucket's word: it has one entry, which is a value alone; there are no more buckets. */
const ONE_ENTRY = 1 << 30;
const END = 3 << 30;
const PLACE_MASK = ONE_ENTRY - 1;
/** More entries than are known are predicted up to that many words. */
const SLACK_WORDS = 1 << 12;

/** `entriesFor` tells what is to be put into a table of that many buckets. */
export function cdsTableStepper(
  context: Context,
  piece: Piece,
  entriesFor: (buckets: number) => TableEntries,
): Stepper {
  let rest: Stepper | undefined;
  return (into, correct) => {
    if (rest !== undefined) return rest(into, correct);
    const count = Math.min(4, piece.length);
    context.old.copy(piece.oldStart, into.subarray(0, count));
    correct(0, count);
    const buckets = count < 4 ? 0 : getI32(into, 0) - 1;
    const canMake = buckets > 0 && buckets <= MAX_BUCKETS && entriesAt(buckets) + 4 <= piece.length;
    rest = canMake
      ? bucketStepper(context, after(piece, 4), inBuckets(entriesFor(buckets), buckets))
      : copyStepper(context, after(piece, count));
    return count;
  };
}

function after({ oldStart, newStart, length }: Piece, bytes: number): Piece {
  return { oldStart: oldStart + bytes, newStart: newStart + bytes, length: length - bytes };
}

interface Buckets {
  /** Of each bucket how many entries should be in it, and which is the first in `order`. */
  readonly sizes: Int32Array;
  readonly firsts: Int32Array;
  /** Entries, those of a bucket side by side, in the order in which they came. */
  readonly order: Int32Array;
  readonly entries: TableEntries;
}

function inBuckets(entries: TableEntries, buckets: number): Buckets {
  const { length } = entries.hashes;
  const bucketOf = (entry: number) => (entries.hashes[entry]! >>> 0) % buckets;
  const sizes = new Int32Array(buckets);
  for (let entry = 0; entry < length; entry++) sizes[bucketOf(entry)]!++;
  const firsts = new Int32Array(buckets);
  for (let i = 1; i < buckets; i++) firsts[i] = firsts[i - 1]! + sizes[i - 1]!;
  const order = new Int32Array(length);
  const filled = firsts.slice();
  for (let entry = 0; entry < length; entry++) order[filled[bucketOf(entry)]!++] = entry;
  return { sizes, firsts, order, entries };
}

/** The words of the buckets and the one behind them, each true before the next; then the rest. */
function bucketStepper(context: Context, piece: Piece, buckets: Buckets): Stepper {
  const count = buckets.sizes.length;
  const words = new Int32Array(count + 1);
  let done = 0;
  let rest: Stepper | undefined;
  return (into, correct) => {
    if (rest !== undefined) return rest(into, correct);
    const to = Math.min(count + 1, done + STEP_BYTES / 4);
    const bytes = 4 * (to - done);
    for (let i = done; i < to; i++) {
      const at = 4 * (i - done);
      const size = i === 0 ? 0 : buckets.sizes[i - 1]!;
      const place = i === 0 ? 0 : ((words[i - 1]! & PLACE_MASK) + (size === 1 ? 1 : 2 * size)) & PLACE_MASK;
      setI32(into, at, place | (i === count ? END : buckets.sizes[i] === 1 ? ONE_ENTRY : 0));
      correct(at, at + 4);
      words[i] = getI32(into, at);
    }
    done = to;
    if (done === count + 1) rest = entryStepper(context, after(piece, 4 * done), madeEntries(buckets, words));
    return bytes;
  };
}

/** All that follows on the buckets: zeros up to a multiple of 8, the number of words, words. */
function madeEntries({ sizes, firsts, order, entries }: Buckets, words: Int32Array): Uint8Array {
  const count = sizes.length;
  const lead = entriesAt(count) - 4 - 4 * (count + 1);
  const total = words[count]! & PLACE_MASK;
  const known = Math.min(total, 2 * order.length + SLACK_WORDS);
  const made = new Uint8Array(lead + 8 * Math.ceil((4 + 4 * known) / 8));
  setI32(made, lead, total);
  const set = (word: number, end: number, value: number) => {
    if (word < end && word < known) setI32(made, lead + 4 + 4 * word, value);
  };
  for (let i = 0; i < count; i++) {
    let at = words[i]! & PLACE_MASK;
    const end = words[i + 1]! & PLACE_MASK;
    const hasHashes = words[i]! >>> 30 === 0;
    for (let j = firsts[i]!; j < firsts[i]! + sizes[i]! && at < end; j++) {
      if (hasHashes) set(at++, end, entries.hashes[order[j]!]!);
      set(at++, end, entries.values[order[j]!]!);
    }
  }
  return made;
}

/** What was made, and behind its end the old bytes. */
function entryStepper(context: Context, piece: Piece, made: Uint8Array): Stepper {
  let done = 0;
  return (into, correct) => {
    const count = Math.min(piece.length - done, STEP_BYTES);
    context.old.copy(piece.oldStart + done, into.subarray(0, count));
    into.set(made.subarray(done, done + count));
    correct(0, count);
    done += count;
    return count;
  };
}
