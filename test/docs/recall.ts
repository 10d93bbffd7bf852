/** Codec 4, from docs/coder.md and from nothing else: the words of that text, one after the other, and not fast. */
import { entry, mix, POINTS, squash, startBits, stretch, towards, word } from './mix.ts';

const ROLLS = [
  { shift: 8, least: 4 },
  { shift: 5, least: 6 },
  { shift: 3, least: 11 },
  { shift: 2, least: 16 },
];
const CLASSES = [0, 1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 48, 64, 128, 511];

interface Guess {
  distance: number;
  length: number;
  misses: number;
}

interface Counter {
  p: number;
  n: number;
}

type Bit = (chance: number) => number;

/** Decodes a stream to `size` bytes with a window of 2^k bytes. */
export function decodeRecall(coded: Uint8Array, size: number, k: number): Uint8Array {
  const plain: number[] = [];
  const bits = startBits(coded);
  const guesses = startGuesses(plain, k);
  const nextFlag = startFlags(plain, k - 4, bits.next);
  const nextByte = startBytes(plain, k - 7, bits.next);
  while (plain.length < size) {
    guesses.find();
    const b = guesses.all.map(({ distance }) =>
      distance === 0 ? undefined : plain[plain.length - distance]!,
    );
    const refused: number[] = [];
    let byte: number | undefined;
    for (const [number, guessed] of b.entries()) {
      if (byte !== undefined || guessed === undefined || refused.includes(guessed)) continue;
      if (number > 0 && b[0] === undefined) continue;
      const others = number === 0 ? [b[1], b[2]] : number === 1 ? [b[2]] : [];
      const relations = others.map((other): number => relation(guessed, other));
      const agree = guesses.sure && number === 0 ? 0 : (relations[0] ?? 0) + 3 * (relations[1] ?? 0);
      if (nextFlag(guesses.all[number]!, guessed, Math.min(number, 1), agree) === 1) byte = guessed;
      else refused.push(guessed);
    }
    byte ??= nextByte(refused[0] ?? 256, refused.length > 1 ? refused.at(-1)! : 256);
    guesses.follow(byte, byte === b[0]);
    plain.push(byte);
  }
  if (bits.taken() !== coded.length + 3) throw new Error('not of its coded size');
  return Uint8Array.from(plain);
}

function relation(guessed: number, other: number | undefined): number {
  return other === undefined ? 0 : other === guessed ? 1 : 2;
}

function ones(word: number): number {
  return [...(word >>> 0).toString(2)].filter((digit) => digit === '1').length;
}

function startGuesses(plain: readonly number[], k: number) {
  const all: Guess[] = [0, 1, 2].map(() => ({ distance: 0, length: 0, misses: 0 }));
  const heads = ROLLS.map(() => new Map<number, number>());
  const rolls = [0, 0, 0, 0];
  const place = (i: number) => rolls[i]! >>> (32 - (k - 4));
  let sure = false;
  const worth = (g: Guess) => (g.distance === 0 ? -1 : g.length + (g.misses % 256 === 0 ? 8 : 0));
  const rank = (g: Guess) => (g.distance === 0 ? -1000 : 4 * g.length - ones(g.misses & 255));
  return {
    all,
    get sure() {
      return sure;
    },
    find(): void {
      const n = plain.length;
      sure = all[0]!.distance > 0 && all[0]!.length >= 32;
      if (sure) return;
      const looks = all[0]!.distance === 0 || all[0]!.length < 16;
      for (let i = 3; i >= 0 && looks; i--) {
        const from = heads[i]!.get(place(i)) ?? 0;
        const distance = n - from;
        if (from === 0 || distance > 2 ** k - 32 || all.some((g) => g.distance === distance)) continue;
        let length = 0;
        while (length < 32 && length < from && plain[n - 1 - length] === plain[from - 1 - length]) length++;
        const least = all.toSorted((a, b) => worth(a) - worth(b))[0]!;
        if (length >= ROLLS[i]!.least && length > worth(least))
          Object.assign(least, { distance, length, misses: 0 });
      }
      all.sort((a, b) => rank(b) - rank(a));
    },
    follow(byte: number, right: boolean): void {
      for (const g of sure && right ? all.slice(0, 1) : all) {
        if (g.distance === 0) continue;
        const hit = plain[plain.length - g.distance] === byte;
        g.length = hit ? Math.min(65535, g.length + 1) : 0;
        g.misses = ((g.misses * 2) % 2 ** 32) + (hit ? 0 : 1);
        if (!hit && ones(g.misses & 0xffff) > 8) g.distance = 0;
      }
      for (const [i, { shift }] of ROLLS.entries()) {
        if (!sure) heads[i]!.set(place(i), plain.length);
        rolls[i] = (Math.imul(rolls[i]!, 0x2f0b4c47 << shift) + Math.imul(byte + 1, 0x9e3779b1)) | 0;
      }
    },
  };
}

function startFlags(plain: readonly number[], cellBits: number, bit: Bit) {
  const pasts = new Map<string, Counter>();
  const cells = new Map<string, Counter>();
  const weights = new Map<string, number[]>();
  const rows = new Map<string, number[]>();
  return ({ length, misses }: Guess, g: number, later: number, agree: number): number => {
    const last = word(plain, 0);
    const c = CLASSES.findLastIndex((least) => least <= length);
    const b = g + 256 * later;
    const at = (x: number, y: number) =>
      entry(cells, `${mix(x, y) >>> (32 - cellBits)}`, () => ({ p: 2 ** 21, n: 0 }));
    const counters = [
      entry(pasts, `${later} ${c} ${misses & 255}`, () => ({ p: 2 ** 21, n: 0 })),
      at(0x10000 + b + ((c >> 2) << 20), last & 0xff),
      at(0x20000 + b, last & 0xffff),
      at(0x30000 + b, last & 0xffffff),
      at(mix(0x40000 + b, last), word(plain, 4) & 0xff),
      at(0x50000 + b, wordOf(plain)),
      at(0x60000 + b, 16 * agree + c),
    ];
    const inputs = [...counters.map(({ p }) => stretch(p >> 10)), 256];
    const set = entry(weights, `${later} ${c} ${misses & 15}`, () =>
      inputs.map((_, j) => (j < 7 ? 20000 : 0)),
    );
    const d = sum(inputs, set);
    const row = entry(rows, `${c} ${g}`, newRow);
    const got = bit(within((16 * squash(d) + refine(row, d)) >> 1));
    learnWeights(inputs, set, d, got, 14);
    learnRow(row, d, got);
    for (const [j, counter] of counters.entries()) learn(counter, got, j === 0 ? 255 : 30);
    return got;
  };
}

function startBytes(plain: readonly number[], slotBits: number, bit: Bit) {
  const slots: { check: number; counters: Counter[] }[] = [];
  const weights = new Map<string, number[]>();
  const rows = new Map<string, number[]>();
  const slotAt = (place: number) => {
    slots[place] ??= { check: 0, counters: Array.from({ length: 16 }, () => ({ p: 0, n: 0 })) };
    return slots[place]!;
  };
  const find = (z: number): Counter[] => {
    const check = (z | 1) >>> 0;
    const place = Math.imul(z, 0x9e3779b1) >>> (32 - slotBits);
    const [one, other] = [slotAt(place), slotAt(place ^ 1)];
    if (one.check === check) return one.counters;
    if (other.check === check) return other.counters;
    const taken = one.counters[1]!.n > other.counters[1]!.n ? other : one;
    taken.check = check;
    for (const counter of taken.counters) Object.assign(counter, { p: 2 ** 21, n: 0 });
    return taken.counters;
  };
  return (first: number, second: number): number => {
    const last = word(plain, 0);
    const z = [
      mix(2, last & 0xff),
      mix(3, last & 0xffff),
      mix(4, last & 0xffffff),
      mix(5, last),
      mix(7, wordOf(plain)),
      mix(1, first),
      mix(8, last & 0xffff00),
      mix(mix(6, last), word(plain, 4) & 0xffff),
    ];
    let found = z.map(find);
    let tree = 1;
    for (let i = 0; i < 8; i++) {
      if (i === 4) found = z.map((each) => find(mix(each, tree)));
      const node = i < 4 ? tree : 2 ** (i - 4) + (tree % 2 ** (i - 4));
      const bar = (refused: number) =>
        refused < 256 && (refused + 256) >> (8 - i) === tree ? 1 + ((refused >> (7 - i)) & 1) : 0;
      const inputs = found.map((counters) => stretch(counters[node]!.p >> 10));
      const names = [`first ${bar(first)} ${bar(second)} ${tree}`, `second ${last & 0xff} ${i}`];
      const sets = names.map((name) => entry(weights, name, () => inputs.map(() => 22000)));
      const d = sets.map((set) => sum(inputs, set)) as [number, number];
      const m = (d[0] + d[1]) >> 1;
      const used = [`first ${bar(first)} ${tree}`, `second ${mix(last & 0xffff, tree) >>> 20}`].map((name) =>
        entry(rows, name, newRow),
      );
      const got = bit(within((32 * squash(m) + refine(used[0]!, m) + refine(used[1]!, m)) >> 2));
      for (const [j, set] of sets.entries()) learnWeights(inputs, set, d[j]!, got, 50);
      for (const row of used) learnRow(row, m, got);
      for (const counters of found) learn(counters[node]!, got, 127);
      tree = 2 * tree + got;
    }
    return tree - 256;
  };
}

/** The word before the next byte, kept up from one to the next. */
const WORDS = new WeakMap<readonly number[], { at: number; word: number }>();

function wordOf(plain: readonly number[]): number {
  const state = WORDS.get(plain) ?? { at: 0, word: 0 };
  WORDS.set(plain, state);
  for (; state.at < plain.length; state.at++) {
    const byte = plain[state.at]!;
    if (byte >= 128 || /[A-Za-z_$]/.test(String.fromCharCode(byte)))
      state.word = Math.imul(state.word + byte + 1, 0x2f0b4c47);
    else if (!/[0-9]/.test(String.fromCharCode(byte))) state.word = byte;
  }
  return state.word;
}

function learn(counter: Counter, bit: number, most: number): void {
  const e = bit === 1 ? 2 ** 22 - 1 - counter.p : counter.p;
  const step = Math.floor((Math.floor(e / 8) * Math.floor(8192 / (2 * counter.n + 3))) / 512);
  counter.p += bit === 1 ? step : -step;
  counter.n = Math.min(most, counter.n + 1);
}

function sum(inputs: readonly number[], set: readonly number[]): number {
  const total = inputs.reduce((all, x, j) => (all + (Math.imul(x, set[j]!) >> 8)) | 0, 0);
  return Math.min(2047, Math.max(-2047, total >> 8));
}

function learnWeights(inputs: readonly number[], set: number[], d: number, bit: number, rate: number): void {
  const e = (4096 * bit - squash(d)) * rate;
  for (const [j, x] of inputs.entries()) set[j] = (set[j]! + ((x * e + 0x8000) >> 16)) | 0;
}

function newRow(): number[] {
  return POINTS.map((_, j) => 16 * squash(128 * j - 2048));
}

function refine(row: readonly number[], m: number): number {
  const at = (m + 2048) >> 7;
  const w = (m + 2048) & 127;
  return (row[at]! * (128 - w) + row[at + 1]! * w) >> 7;
}

function learnRow(row: number[], m: number, bit: number): void {
  const at = ((m + 2048) >> 7) + (((m + 2048) & 127) < 64 ? 0 : 1);
  row[at] = towards(row[at]!, bit);
}

function within(chance: number): number {
  return Math.min(65520, Math.max(16, chance));
}
