/** Codec 4, from docs/coder.md and from nothing else: the words of that text, one after the other, and not fast. */
import {
  type Counter,
  entry,
  learn,
  learnWeights,
  mix,
  POINTS,
  squash,
  startBits,
  stretch,
  weigh,
  word,
} from './mix.ts';

const ROLLS = [
  { shift: 8, least: 4 },
  { shift: 4, least: 8 },
  { shift: 2, least: 16 },
];
/** By kind of counter and how often it learned: what its rate is 2^15 divided by. */
const RATES = {
  past: [1.5, 3, 6, 12, 20, 25, 30, 32],
  cell: [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7, 8],
  new: [1.5, 2.5, 3.5, 5, 6.5, 8, 9, 10],
} as const;
const CLASSES = [0, 1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 48, 64, 128, 511];

interface Guess {
  distance: number;
  length: number;
  misses: number;
}

type Bit = (chance: number) => number;

/** Decodes a stream to `size` bytes with a window of 2^k bytes. */
export function decodeRecall(coded: Uint8Array, size: number, k: number): Uint8Array {
  const plain: number[] = [];
  const bits = startBits(coded);
  const guesses = startGuesses(plain, k);
  const flag = startFlags(plain, k - 3, bits.next);
  const nextByte = startBytes(plain, k - 7, bits.next);
  /** Of a run with a wrong byte: those up to its end. */
  let t = 0;
  const byte = (): number => {
    const [g1, g2, g3] = guesses.all.map(({ distance }) =>
      distance === 0 ? 256 : plain[plain.length - distance]!,
    ) as [number, number, number];
    if (g1 === 256) return nextByte(256, 256);
    const [first, second] = guesses.all as [Guess, Guess, Guess];
    const agree = relation(g1, g2) + 3 * relation(g1, g3);
    const said = t === 1 ? 0 : t > 1 ? flag.ofLeft(g1, t) : flag.ofGuess(first, g1, 0, agree);
    if (said === 1) return g1;
    if (g2 === 256 || g2 === g1) return nextByte(g1, 256);
    return flag.ofGuess(second, g2, 1, relation(g2, g3)) === 1 ? g2 : nextByte(g1, g2);
  };
  const put = (made: number, ofRun: boolean): boolean => {
    const right = guesses.all[0]!.distance > 0 && plain[plain.length - guesses.all[0]!.distance] === made;
    guesses.follow(made, ofRun, right);
    plain.push(made);
    return right;
  };
  while (plain.length < size) {
    const [first] = guesses.all as [Guess];
    if (t === 0 && first.distance > 0 && first.length >= 16) {
      const run = first.length < 48 ? 16 : first.length < 96 ? 32 : 64;
      if (flag.ofRun(first) === 1) {
        for (let i = 0; i < run && plain.length < size; i++) put(plain[plain.length - first.distance]!, true);
        continue;
      }
      t = run;
    }
    if (t === 0) guesses.find();
    t = put(byte(), t > 0) && t > 0 ? t - 1 : 0;
  }
  if (bits.taken() !== coded.length + 3) throw new Error('not of its coded size');
  return Uint8Array.from(plain);
}

function relation(guessed: number, other: number): number {
  return other === 256 ? 0 : other === guessed ? 1 : 2;
}

function ones(word: number): number {
  return [...(word >>> 0).toString(2)].filter((digit) => digit === '1').length;
}

function startGuesses(plain: readonly number[], k: number) {
  const all: Guess[] = [0, 1, 2].map(() => ({ distance: 0, length: 0, misses: 0 }));
  const heads = ROLLS.map(() => new Map<number, { number: number; check: number }>());
  const rolls = [0, 0, 0];
  const place = (i: number) => rolls[i]! >>> (32 - (k - 5));
  const checkOf = (i: number) => Math.imul(rolls[i]!, 0x85ebca6b) >>> 23;
  const worth = (g: Guess) => (g.distance === 0 ? -1 : g.length + (g.misses % 256 === 0 ? 8 : 0));
  const rank = (g: Guess) => (g.distance === 0 ? -1000 : 4 * g.length - ones(g.misses & 255));
  return {
    all,
    find(): void {
      const n = plain.length;
      const looks = all[0]!.distance === 0 || all[0]!.length < 16;
      for (let i = 2; i >= 0 && looks; i--) {
        const noted = heads[i]!.get(place(i)) ?? { number: 0, check: 0 };
        const distance = (n - noted.number + 2 ** 31) % 2 ** 23;
        if (noted.check !== checkOf(i) || distance === 0 || distance > 2 ** k - 32) continue;
        if (all.some((g) => g.distance === distance)) continue;
        const from = n - distance;
        let length = 0;
        while (length < 32 && length < from && plain[n - 1 - length] === plain[from - 1 - length]) length++;
        const least = all.toSorted((a, b) => worth(a) - worth(b))[0]!;
        if (length >= ROLLS[i]!.least && length > worth(least))
          Object.assign(least, { distance, length, misses: 0 });
      }
      all.sort((a, b) => rank(b) - rank(a));
    },
    follow(byte: number, ofRun: boolean, right: boolean): void {
      for (const g of ofRun && right ? all.slice(0, 1) : all) {
        if (g.distance === 0) continue;
        const hit = plain[plain.length - g.distance] === byte;
        g.length = hit ? Math.min(65535, g.length + 1) : Math.min(12, Math.floor(g.length / 4));
        g.misses = ((g.misses * 2) % 2 ** 32) + (hit ? 0 : 1);
        if (!hit && ones(g.misses & 0xffff) > 8) g.distance = 0;
      }
      for (const [i, { shift }] of ROLLS.entries()) {
        if (!ofRun) heads[i]!.set(place(i), { number: plain.length % 2 ** 23, check: checkOf(i) });
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
  const classOf = (length: number) => CLASSES.findLastIndex((least) => least <= length);
  const code = (
    past: number,
    abc: readonly (readonly [number, number])[],
    setNumber: number,
    rowNumber: number,
  ): number => {
    const counters = [
      entry(pasts, `${past}`, () => ({ p: 4096, n: 0 })),
      ...abc.map(([u, v]) => entry(cells, `${mix(u, v) >>> (32 - cellBits)}`, () => ({ p: 4096, n: 0 }))),
    ];
    const inputs = counters.map(({ p }) => stretch(p >> 1));
    const set = entry(weights, `${setNumber}`, () => inputs.map(() => 5000));
    const d = weigh(inputs, set);
    const row = entry(rows, `${rowNumber}`, newRow);
    const got = bit(within((16 * squash(d) + refine(row, d)) >> 1));
    learnWeights(inputs, set, d, got, 2);
    learnRow(row, d, got);
    learn(counters.slice(0, 1), got, RATES.past);
    learn(counters.slice(1), got, RATES.cell);
    return got;
  };
  return {
    ofGuess({ length, misses: m }: Guess, g: number, later: number, agree: number): number {
      const c = classOf(length);
      const x = g + 256 * later;
      const last = word(plain, 0);
      return code(
        4096 * later + 256 * c + (m & 255),
        [
          [0x10000 + x + (c >> 2) * 0x100000, last & 0xff],
          [0x20000 + x, last & 0xffff],
          [0x30000 + x, 16 * agree + c],
        ],
        256 * later + 16 * c + (m & 15),
        256 * c + g,
      );
    },
    ofLeft(g1: number, t: number): number {
      const last = word(plain, 0);
      return code(
        12288 + t,
        [
          [0x70000 + g1, last & 0xffff],
          [0x80000 + g1, last],
          [0x90000 + g1, t],
        ],
        768 + t,
        8192 + t,
      );
    },
    ofRun({ distance, length, misses: m }: Guess): number {
      const c = classOf(length);
      const from = plain.length - distance;
      const next = distance < 4 ? 0 : [3, 2, 1, 0].reduce((joined, i) => joined * 256 + plain[from + i]!, 0);
      return code(
        8192 + 256 * c + (m & 255),
        [
          [0x40000 + c, word(plain, 0) & 0xffff],
          [0x50000 + c, next & 0xffff],
          [0x60000, next],
        ],
        512 + 16 * c + (m & 15),
        4096 + 256 * c + (next & 255),
      );
    },
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
    const check = (z | 1) & 0xffff;
    const place = Math.imul(z, 0x9e3779b1) >>> (32 - slotBits);
    const [one, other] = [slotAt(place), slotAt(place ^ 1)];
    if (one.check === check) return one.counters;
    if (other.check === check) return other.counters;
    const taken = one.counters[1]!.n > other.counters[1]!.n ? other : one;
    taken.check = check;
    for (const counter of taken.counters) Object.assign(counter, { p: 4096, n: 0 });
    return taken.counters;
  };
  return (first: number, second: number): number => {
    const last = word(plain, 0);
    const z = [
      mix(2, last & 0xff),
      mix(3, last & 0xffff),
      mix(1 + 256 * first, last & 0xff),
      mix(7, wordOf(plain)),
    ];
    let found = z.map(find);
    let tree = 1;
    for (let i = 0; i < 8; i++) {
      if (i === 4) found = z.map((each) => find(mix(each, tree)));
      const node = i < 4 ? tree : 2 ** (i - 4) + (tree % 2 ** (i - 4));
      const bar = (refused: number) =>
        refused < 256 && (refused + 256) >> (8 - i) === tree ? 1 + ((refused >> (7 - i)) & 1) : 0;
      const inputs = found.map((counters) => stretch(counters[node]!.p >> 1));
      const names = [`first ${bar(first)} ${bar(second)} ${tree}`, `second ${last & 0xff} ${i}`];
      const sets = names.map((name) => entry(weights, name, () => inputs.map(() => 6250)));
      const d = sets.map((set) => weigh(inputs, set)) as [number, number];
      const m = (d[0] + d[1]) >> 1;
      const row = entry(rows, `${bar(first)} ${tree}`, newRow);
      const got = bit(within((16 * squash(m) + 3 * refine(row, m)) >> 2));
      for (const [j, set] of sets.entries()) learnWeights(inputs, set, d[j]!, got, 8);
      learnRow(row, m, got);
      learn(
        found.map((counters) => counters[node]!),
        got,
        RATES.new,
      );
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
  const chance = row[at]!;
  row[at] = bit === 1 ? chance + ((65535 - chance) >> 5) : chance - (chance >> 5);
}

function within(chance: number): number {
  return Math.min(65520, Math.max(16, chance));
}
