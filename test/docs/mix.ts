/** Codecs 2 and 3, from docs/coder.md and from nothing else: the words of that text, one after the other, and not fast. */

export const POINTS = [
  1, 2, 4, 6, 10, 17, 27, 45, 74, 120, 194, 311, 488, 747, 1102, 1546, 2048, 2550, 2994, 3349, 3608, 3785,
  3902, 3976, 4022, 4051, 4069, 4079, 4086, 4090, 4092, 4094, 4095,
];

/** Decodes a stream to `size` bytes. */
export function decodeMix(codec: 2 | 3, coded: Uint8Array, size: number): Uint8Array {
  const plain: number[] = [];
  const model = startModel(codec, size, plain);
  const bits = startBits(coded);
  while (plain.length < size) {
    let tree = 1;
    model.startByte();
    for (let i = 0; i < 8; i++) {
      const chance = model.chance(tree, i);
      const bit = bits.next(chance);
      model.learn(bit);
      tree = tree * 2 + bit;
    }
    plain.push(tree - 256);
    model.endByte();
  }
  if (bits.taken() !== coded.length + 3) throw new Error('not of its coded size');
  return Uint8Array.from(plain);
}

/** Section "Bits": gives the next bit by its chance, and how many bytes were taken. */
export function startBits(coded: Uint8Array): { next(chance: number): number; taken(): number } {
  let taken = 0;
  const nextByte = () => coded[taken++] ?? 0;
  let [low, high, code] = [0, 2 ** 32 - 1, 0];
  for (let i = 0; i < 4; i++) code = code * 256 + nextByte();
  return {
    taken: () => taken,
    next(chance) {
      const range = high - low;
      const middle =
        low + Math.floor(range / 65536) * chance + Math.floor(((range % 65536) * chance) / 65536);
      const bit = code <= middle ? 1 : 0;
      if (bit === 1) high = middle;
      else low = middle + 1;
      while (Math.floor(low / 2 ** 24) === Math.floor(high / 2 ** 24)) {
        low = (low * 256) % 2 ** 32;
        high = (high * 256 + 255) % 2 ** 32;
        code = (code * 256 + nextByte()) % 2 ** 32;
      }
      return bit;
    },
  };
}

export interface Counter {
  p: number;
  n: number;
}

/** By how often a counter learned: what its rate is 2^15 divided by. */
const RATES = [1.5, 2.5, 3.5, 5, 7, 9, 12, 16] as const;

export function learn(counters: readonly Counter[], bit: number, rates: readonly number[]): void {
  for (const counter of new Set(counters)) {
    const e = bit === 1 ? 8191 - counter.p : counter.p;
    const step = (e * Math.floor(2 ** 15 / rates[counter.n]!) + 16384) >> 15;
    counter.p += bit === 1 ? step : -step;
    counter.n = Math.min(7, counter.n + 1);
  }
}

/** What a set of weights makes of the inputs. */
export function weigh(inputs: readonly number[], set: readonly number[]): number {
  return clamp(inputs.reduce((sum, x, j) => sum + x * set[j]!, 0) >> 14);
}

export function learnWeights(
  inputs: readonly number[],
  set: number[],
  d: number,
  bit: number,
  factor: number,
): void {
  const e = (4096 * bit - squash(d)) * factor;
  for (const [j, x] of inputs.entries())
    set[j] = Math.min(32767, Math.max(-32768, set[j]! + ((x * e + 16384) >> 15)));
}

function startModel(codec: 2 | 3, size: number, plain: readonly number[]) {
  const k = Math.min(16, Math.max(8, 4 + binaryDigits(size - 1)));
  const slots: { check: number; counters: Counter[] }[] = [];
  const weights = new Map<string, number[]>();
  const rows = new Map<string, number[]>();
  const match = startMatch(plain);
  const integers = { index: 0, value: 0, p: [0, 0, 0], codes: 0 };
  let z: number[] = [];
  let found: Counter[][] = [];
  let inputs: number[] = [];
  let used: { counters: Counter[]; sets: [number[], number][]; row: number[]; point: number };

  const slotAt = (place: number) => {
    slots[place] ??= { check: 0, counters: [] };
    return slots[place]!;
  };
  const findSlot = (word: number): Counter[] => {
    const check = (word & 0xffff) | 1;
    const place = (Math.imul(word, 0x9e3779b1) >>> 0) >>> (32 - k);
    const [one, other] = [slotAt(place), slotAt(place ^ 1)];
    if (one.check === check) return one.counters;
    if (other.check === check) return other.counters;
    const taken = (one.counters[1]?.n ?? 0) > (other.counters[1]?.n ?? 0) ? other : one;
    taken.check = check;
    // In place: another word of this very byte may have found the same slot before.
    for (let node = 0; node < 16; node++) {
      taken.counters[node] ??= { p: 0, n: 0 };
      Object.assign(taken.counters[node]!, { p: 4096, n: 0 });
    }
    return taken.counters;
  };

  return {
    startByte() {
      const last = word(plain, 0);
      z = codec === 2 ? byteContexts(last, word(plain, 4)) : integerContexts(integers);
      found = z.map(findSlot);
    },
    chance(tree: number, i: number): number {
      if (i === 4) found = z.map((each) => findSlot(mix(each, tree)));
      const node = i < 4 ? tree : 2 ** (i - 4) + (tree % 2 ** (i - 4));
      const counters = found.map((slot) => slot[node]!);
      const chances = counters.map(({ p }) => p >> 1);
      const guess = match.guess(tree, i);
      inputs = [
        ...chances.map(stretch),
        ...chances.map((p) => (p - 2048) >> 1),
        guess === undefined ? 0 : stretch(guess.chance >> 4),
        256,
      ];
      const selector = codec === 2 ? (plain.at(-1) ?? 0) : integers.index * 8 + (integers.codes & 7);
      const sets = [`first ${(guess?.trust ?? 0) * 256 + tree}`, `second ${selector * 8 + i}`].map(
        (name): [number[], number] => {
          const set = entry(weights, name, () => inputs.map((_, j) => (j < 10 || j === 20 ? 3277 : 0)));
          return [set, weigh(inputs, set)];
        },
      );
      const m = (sets[0]![1] + sets[1]![1]) >> 1;
      const at = (m + 2048) >> 7;
      const w = (m + 2048) & 127;
      const row = entry(rows, `${tree}`, () => POINTS.map((_, j) => 16 * squash(128 * j - 2048)));
      const f = (row[at]! * (128 - w) + row[at + 1]! * w) >> 7;
      used = { counters, sets, row, point: w < 64 ? at : at + 1 };
      const chance = (16 * squash(m) + 3 * f) >> 2;
      return Math.min(65512, Math.max(24, chance));
    },
    learn(bit: number): void {
      learn(used.counters, bit, RATES);
      for (const [set, d] of used.sets) learnWeights(inputs, set, d, bit, 4);
      used.row[used.point] = towards(used.row[used.point]!, bit);
      match.learn(bit);
    },
    endByte(): void {
      match.endByte(word(plain, 0), word(plain, 4));
      const byte = plain.at(-1)!;
      if (integers.index < 5) integers.value |= (byte & 127) << (7 * integers.index);
      integers.index = Math.min(7, integers.index + 1);
      if (byte >= 128) return;
      integers.p = [integers.value, integers.p[0]!, integers.p[1]!];
      integers.codes = (integers.codes * 8 + (integers.value & 7)) | 0;
      integers.index = 0;
      integers.value = 0;
    },
  };
}

function startMatch(plain: readonly number[]) {
  const places = new Map<number, number>();
  const chances = new Array<number>(38).fill(32768);
  let length = 0;
  let from = 0;
  let used: number | undefined;
  return {
    guess(tree: number, i: number): { chance: number; trust: number } | undefined {
      used = undefined;
      if (length === 0) return undefined;
      const g = 256 + plain[from]!;
      if (g >> (8 - i) !== tree) return undefined;
      const step = length < 16 ? length : length < 32 ? 16 : length < 64 ? 17 : 18;
      used = 2 * step + ((g >> (7 - i)) & 1);
      return { chance: chances[used]!, trust: length < 8 ? 1 : length < 24 ? 2 : 3 };
    },
    learn(bit: number): void {
      if (used !== undefined) chances[used] = towards(chances[used]!, bit);
    },
    endByte(last: number, before: number): void {
      const n = plain.length;
      if (length > 0 && plain[from] === plain[n - 1]) {
        from++;
        length = Math.min(64, length + 1);
      } else length = 0;
      if (n < 5) return;
      const place = mix(last, before & 255) >>> 16;
      if (length === 0) {
        from = places.get(place) ?? 0;
        while (length < 64 && length < from && plain[from - 1 - length] === plain[n - 1 - length]) length++;
        if (length < 5) length = 0;
      }
      places.set(place, n);
    },
  };
}

/** The four bytes before the last `skipped`, the latest lowest. */
export function word(plain: readonly number[], skipped: number): number {
  let found = 0;
  for (let i = 4; i > 0; i--) found = (found << 8) | (plain[plain.length - skipped - i] ?? 0);
  return found;
}

function byteContexts(last: number, before: number): number[] {
  const masks = '00ff00 0000ff 00ffff ffffff ffffffff ffffffff ffff00 ff00ff f8f8f8 ff000000'.split(' ');
  const z = masks.map((mask, i) => mix(i + 1, last & Number.parseInt(mask, 16)));
  z[5] = mix(z[5]!, before & 0xffff);
  return z;
}

function integerContexts(state: { index: number; value: number; p: number[]; codes: number }): number[] {
  const [p1, p2, p3] = state.p as [number, number, number];
  const h = mix(16 + state.index, state.value);
  const t = mix(p1, p2);
  const s = binaryDigits(p1) * 64 + binaryDigits(p2);
  const three = mix(binaryDigits(p1), state.codes & 0x1ff);
  const size = binaryDigits(p1) * 8 + (p1 & 7);
  const v = [0, p1, t, p2, s, three, state.codes & 0x3ffff, size, mix(t, p3), s * 64 + binaryDigits(p3)];
  return v.map((each, i) => mix(mix(h, each), i + 1));
}

export function mix(a: number, b: number): number {
  const m = Math.imul(a ^ Math.imul(b, 0x9e3779b1), 0x85ebca6b) >>> 0;
  return m ^ (m >>> 15);
}

function clamp(d: number): number {
  return Math.min(2047, Math.max(-2047, d));
}

export function squash(d: number): number {
  const e = clamp(d) + 2048;
  const w = e % 128;
  const i = (e - w) / 128;
  return Math.floor((POINTS[i]! * (128 - w) + POINTS[i + 1]! * w + 64) / 128);
}

const STRETCHED = Array.from({ length: 4096 }, (_, p) => {
  for (let d = -2047; d <= 2047; d++) if (squash(d) >= p) return d;
  return 2047;
});

export function stretch(p: number): number {
  return STRETCHED[p]!;
}

export function towards(chance: number, bit: number): number {
  return bit === 1 ? chance + ((65535 - chance) >> 6) : chance - (chance >> 6);
}

function binaryDigits(word: number): number {
  return word === 0 ? 0 : (word >>> 0).toString(2).length;
}

export function entry<Value>(map: Map<string, Value>, name: string, make: () => Value): Value {
  let found = map.get(name);
  if (found === undefined) {
    found = make();
    map.set(name, found);
  }
  return found;
}
