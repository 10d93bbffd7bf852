/**
 * What tables of one new file tell about later ones: symbols paired with old symbols, addresses that relocations put
 * somewhere, functions and their unwind records. Bounded, and made in the order of the new file on both sides.
 */
import { releaseMemory } from '../../bytes/release.ts';

/** A table with more records than that is predicted without an index over them. Large Rust programs have some 400,000. */
export const MAX_RECORDS = 1 << 20;

export interface Tables {
  /** New dynamic symbol → old one, or -1; grows as they become known. */
  readonly oldSymbols: NumberList;
  /** Old dynamic symbol → new one + 1, or 0. */
  readonly newSymbols: NumberList;
  /** New jump slot → old one + 1, or 0. */
  readonly oldSlots: NumberList;
  /** Where the new relative relocations write, and what; pairs in the order of the table. */
  readonly relocated: { readonly places: NumberList; readonly values: NumberList };
  /** Per entry of the new .eh_frame_hdr: address of the record, of its function, and the old record's + 1, or 0. */
  readonly unwind: { readonly records: NumberList; readonly functions: NumberList; readonly old: NumberList };
}

export function startTables(): Tables {
  return {
    oldSymbols: numberList(),
    newSymbols: numberList(),
    oldSlots: numberList(),
    relocated: { places: numberList(), values: numberList() },
    unwind: { records: numberList(), functions: numberList(), old: numberList() },
  };
}

/** A growing list of numbers, at most MAX_RECORDS of them: what is set beyond is forgotten, what is unset reads as 0. */
export interface NumberList {
  readonly length: number;
  get(index: number): number;
  set(index: number, value: number): void;
  push(value: number): void;
}

export function numberList(): NumberList {
  // In 32 bits for as long as all of them fit, as addresses of libraries do.
  let numbers: Int32Array | Float64Array = new Int32Array(0);
  let length = 0;
  const take = (larger: Int32Array | Float64Array) => {
    larger.set(numbers);
    releaseMemory([numbers]);
    numbers = larger;
  };
  const set = (index: number, value: number) => {
    if (index < 0 || index >= MAX_RECORDS) return;
    if (index >= numbers.length) {
      const room = Math.min(MAX_RECORDS, Math.max(256, index + 1, numbers.length + (numbers.length >> 1)));
      take(numbers instanceof Int32Array ? new Int32Array(room) : new Float64Array(room));
    }
    if (numbers instanceof Int32Array && value !== (value | 0)) take(new Float64Array(numbers.length));
    numbers[index] = value;
    length = Math.max(length, index + 1);
  };
  return {
    get length() {
      return length;
    },
    get: (index) => (index >= 0 && index < length ? numbers[index]! : 0),
    set,
    push: (value) => set(length, value),
  };
}

/** Records of one key that are looked through. */
const MAX_EQUALS = 64;

/** The records 0 to `count` - 1 in the order of their keys, then of their numbers. */
export function sortedBy(count: number, keyOf: (record: number) => number): SortedRecords {
  const keys = keysOf(count, keyOf);
  const order = orderOf(keys);
  const firstNotBelow = (key: number): number => {
    let low = 0;
    let high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (keys[order[middle]!]! < key) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return {
    order,
    firstNotBelow,
    findFrom(key, least) {
      let rank = firstNotBelow(key);
      let found = -1;
      for (let tries = 0; tries < MAX_EQUALS && rank < count && keys[order[rank]!] === key; tries++) {
        found = order[rank++]!;
        if (found >= least) break;
      }
      return found;
    },
    find(key) {
      const rank = firstNotBelow(key);
      return rank < count && keys[order[rank]!] === key ? order[rank]! : -1;
    },
  };
}

type Keys = Int32Array | Float64Array;

function keysOf(count: number, keyOf: (record: number) => number): Keys {
  const short = new Int32Array(count);
  for (let record = 0; record < count; record++) {
    const key = keyOf(record);
    if (key !== (key | 0)) return Float64Array.from({ length: count }, (_, each) => keyOf(each));
    short[record] = key;
  }
  return short;
}

/** Numbers sort much faster where nobody is asked: where keys allow it, with the record in the lowest bits. */
function orderOf(keys: Keys): Int32Array {
  if (keys.length > MAX_RECORDS) return orderByComparing(keys);
  const joined = new Float64Array(keys.length);
  for (let record = 0; record < keys.length; record++) {
    const key = keys[record]!;
    if (!(key >= 0 && key < MAX_JOINED_KEY && Number.isInteger(key))) return orderByComparing(keys);
    joined[record] = key * MAX_RECORDS + record;
  }
  joined.sort();
  const order = new Int32Array(keys.length);
  for (let rank = 0; rank < order.length; rank++) order[rank] = joined[rank]! % MAX_RECORDS;
  releaseMemory([joined]);
  return order;
}

/** With a record behind it, such a key is a safe integer. */
const MAX_JOINED_KEY = 2 ** 53 / MAX_RECORDS;

function orderByComparing(keys: Keys): Int32Array {
  return Int32Array.from(keys.keys()).sort((a, b) => keys[a]! - keys[b]! || a - b);
}

export interface SortedRecords {
  /** Rank → record. */
  readonly order: Int32Array;
  /** The first rank whose key is not below `key`. */
  firstNotBelow(key: number): number;
  /** The first record with that key from number `least` on, else another with that key, else -1. */
  findFrom(key: number, least: number): number;
  /** The first record with that key, or -1. */
  find(key: number): number;
}
