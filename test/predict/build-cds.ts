/**
 * Makes small archives of Java classes as the virtual machines of JDK 17 and 25 do, so that tests can put in a class and have
 * everything after it move: things with pointers, symbols, hash tables, maps of pointers, and a piece of the heap.
 */

export interface CdsSpec {
  readonly symbols: readonly string[];
  /** Each has a name (a symbol), refers to other classes, and has some numbers, which follow from its own. */
  readonly classes: readonly {
    readonly id: number;
    readonly name: number;
    readonly refers: readonly number[];
    readonly numbers: number;
  }[];
  /** Objects of the heap: of a class, referring to other objects. */
  readonly objects: readonly {
    readonly id: number;
    readonly class: number;
    readonly refers: readonly number[];
  }[];
  /** What the hashes of the objects are drawn from. */
  readonly seed: number;
  /** Where things are mapped. */
  readonly base?: number;
  /** Whose form it has: 17, if nothing is said. */
  readonly release?: 17 | 25;
}

export const CDS_BASE = 0x800000000;
export const HEAP_ADDRESS = 0xfff00000;
const PAGE = 4096;

const up = (size: number, to: number) => Math.ceil(size / to) * to;

function numbers(bytes: 4 | 8, values: readonly number[]): Buffer {
  const out = Buffer.alloc(bytes * values.length);
  for (const [i, value] of values.entries())
    if (bytes === 8) out.writeBigUInt64LE(BigInt(value), 8 * i);
    else out.writeUInt32LE(value >>> 0, 4 * i);
  return out;
}

function padded(bytes: Buffer, to = 8): Buffer<ArrayBuffer> {
  return Buffer.concat([bytes, Buffer.alloc(up(bytes.length, to) - bytes.length)]);
}

function startsOf(parts: readonly Buffer[]): number[] {
  const starts = [0];
  for (const { length } of parts) starts.push(starts.at(-1)! + length);
  return starts;
}

export function buildCds(spec: CdsSpec): Uint8Array {
  const base = spec.base ?? CDS_BASE;
  const isLater = spec.release === 25;
  // Above the base, later archives leave a page free.
  const free = isLater ? PAGE : 0;
  const symbols = symbolBytes(spec.symbols);
  const symbolStarts = startsOf(symbols);
  const classBytes = (at: readonly number[], symbolAt: (i: number) => number) =>
    spec.classes.map(({ id, name, refers, numbers: count }) =>
      numbers(8, [
        symbolAt(name),
        ...refers.map((other) => base + free + (at[other] ?? 0)),
        ...Array.from({ length: count }, (_, k) => (id * 2654435761 + k * 40503) % 2 ** 40),
      ]),
    );
  const classStarts = startsOf(classBytes([], () => 0));
  const rwBytes = classBytes(classStarts, () => 0).reduce((sum, each) => sum + each.length, 0);
  const roAt = free + up(rwBytes, PAGE);
  const rw = Buffer.concat(classBytes(classStarts, (i) => base + roAt + symbolStarts[i]!));

  const heap = heapBytes(
    spec,
    classStarts.map((start) => free + start),
  );
  const symbolTable = table(
    spec.symbols.map((text, i) => [textHash(text), roAt + symbolStarts[i]!]),
    (spec.symbols.length >> 2) | 1,
  );
  // As that of interned strings: hashes that stay, values in the heap.
  const objectTable = table(
    spec.objects.map(({ id }, i) => [textHash(`object ${id}`), HEAP_ADDRESS + heap.starts[i]!]),
    (spec.objects.length >> 2) | 1,
  );
  const roParts = [...symbols, objectTable, symbolTable];
  const roStarts = startsOf(roParts);
  const tableWords = (part: number, entries: number, bytes: Buffer) => {
    const buckets = bytes.readUInt32LE(0) - 1;
    const at = (isLater ? 0 : base) + roAt + roStarts[part]! + 4;
    return [entries, buckets, at, at + up(4 + 4 * (buckets + 1), 8)];
  };
  const trailer = numbers(8, [
    ...tableWords(symbols.length + 1, spec.symbols.length, symbolTable),
    ...tableWords(symbols.length, spec.objects.length, objectTable),
    0,
  ]);
  const ro = Buffer.concat([...roParts, trailer]);
  const core = Buffer.concat([padded(rw, PAGE), ro]);
  const isPointer = (word: bigint) => isCore(Number(word), base + free, core.length);
  const mapOfWords = (bytes: Buffer) => mapOf(bytes, 8, (at) => isPointer(bytes.readBigUInt64LE(at)));
  const heapMap = mapOf(heap.bytes, 4, (at) => heap.isReference.has(at));
  const regions = [
    { bytes: rw, address: free },
    { bytes: ro, address: roAt },
    { bytes: Buffer.alloc(0), address: 0 },
    { bytes: heap.bytes, address: HEAP_ADDRESS },
  ];
  return isLater
    ? writeLater(base, regions, [mapOfWords(rw), mapOfWords(ro), heapMap])
    : write(base, regions, padded(mapOfWords(core)), heapMap);
}

function isCore(word: number, base: number, bytes: number): boolean {
  return word > base && word < base + bytes && word % 8 === 0;
}

interface Region {
  readonly bytes: Buffer;
  readonly address: number;
}

function write(base: number, regions: readonly Region[], coreMap: Buffer, heapMap: Buffer): Uint8Array {
  const maps = Buffer.concat([coreMap, heapMap]);
  const { header, parts } = start(base, 0x390, 11);
  let offset = PAGE;
  for (const [i, { bytes, address }] of regions.entries()) {
    const content = i === 2 ? maps : bytes;
    const map = i === 3 ? [coreMap.length, bytes.length / 4] : [];
    numbers(8, [offset, address, content.length, ...map]).copy(header, 16 + 72 * i + 24);
    parts.push(padded(content, PAGE));
    offset += up(content.length, PAGE);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** Each region with a map of its own, from the first bit that is set to the last. */
function writeLater(base: number, regions: readonly Region[], maps: readonly Buffer[]): Uint8Array {
  const { header, parts } = start(base, 0x358, 19);
  const trimmed = maps.map(trim);
  const mapAt = startsOf(trimmed.map(({ bytes }) => bytes));
  const all = Buffer.concat(trimmed.map(({ bytes }) => bytes));
  for (const [i, place] of [0x3a0, 0x3a8, 0x390].entries())
    header.writeBigUInt64LE(BigInt(trimmed[i]!.first), place);
  let offset = PAGE;
  for (const [i, { bytes, address }] of regions.entries()) {
    const content = i === 2 ? all : bytes;
    const [words, number] = i === 3 ? [3, 2] : [5, i];
    const at = 24 + 96 * i + 24;
    numbers(8, [offset, address, content.length]).copy(header, at);
    if (i !== 2) numbers(8, [mapAt[number]!, trimmed[number]!.bits]).copy(header, at + 8 * words);
    parts.push(padded(content, PAGE));
    offset += up(content.length, PAGE);
  }
  return new Uint8Array(Buffer.concat(parts));
}

function trim(map: Buffer): { readonly bytes: Buffer; readonly first: number; readonly bits: number } {
  const ones = Array.from({ length: 8 * map.length }, (_, bit) => bit).filter(
    (bit) => ((map[bit >> 3]! >> (bit & 7)) & 1) === 1,
  );
  const [first, last] = [ones[0] ?? 0, ones.at(-1) ?? 0];
  const bytes = Buffer.alloc(up(last + 1 - first, 64) / 8);
  for (const one of ones) bytes[(one - first) >> 3]! |= 1 << ((one - first) & 7);
  return { bytes, first, bits: last + 1 - first };
}

function start(base: number, basePlace: number, version: number) {
  const header = Buffer.alloc(PAGE);
  numbers(4, [0xf00baba2, 0x12345, version]).copy(header);
  header.writeBigUInt64LE(BigInt(base), basePlace);
  header.writeBigUInt64LE(0x100000000n, 0x228);
  return { header, parts: [header] };
}

function symbolBytes(texts: readonly string[]): Buffer[] {
  let random = 0x12345678n;
  return texts.map((text) => {
    random = (random * 16807n) % 0x7fffffffn;
    const bytes = Buffer.from(text);
    const header = Buffer.alloc(6);
    header.writeUInt16LE(0xffff, 0);
    header.writeUInt16LE(Number(random & 0xffffn), 2);
    header.writeUInt16LE(bytes.length, 4);
    return padded(Buffer.concat([header, bytes]));
  });
}

function textHash(text: string): number {
  let hash = 0n;
  for (const byte of Buffer.from(text)) hash = (hash * 31n + BigInt(byte)) & 0xffffffffn;
  return Number(hash);
}

/** A table in compact form of pairs of hash and value. */
function table(pairs: readonly (readonly [number, number])[], count: number): Buffer {
  const buckets: number[] = [];
  const entries: number[] = [];
  for (let i = 0; i < count; i++) {
    const here = pairs.filter(([hash]) => hash % count === i);
    buckets.push(here.length === 1 ? entries.length + 0x40000000 : entries.length);
    entries.push(...(here.length === 1 ? [here[0]![1]] : here.flat()));
  }
  buckets.push(entries.length + 0xc0000000);
  return Buffer.concat([
    padded(numbers(4, [count + 1, ...buckets])),
    padded(numbers(4, [entries.length, ...entries])),
  ]);
}

function heapBytes({ objects, seed }: CdsSpec, classStarts: readonly number[]) {
  const state = [seed | 0, 842502087, 0x8767, 273326509];
  const starts = [0];
  for (const { refers } of objects) starts.push(starts.at(-1)! + up(12 + 4 * refers.length, 8) + 16);
  const bytes = Buffer.alloc(up(starts.at(-1)!, 256));
  const isReference = new Set<number>();
  for (const [i, { id, class: of, refers }] of objects.entries()) {
    const t = state[0]! ^ (state[0]! << 11);
    const drawn = state[3]! ^ (state[3]! >>> 19) ^ t ^ (t >>> 8);
    state.shift();
    state.push(drawn);
    bytes.writeBigUInt64LE((BigInt(drawn & 0x7fffffff) << 8n) | 1n, starts[i]!);
    bytes.writeUInt32LE(classStarts[of]!, starts[i]! + 8);
    for (const [k, other] of refers.entries()) {
      const at = starts[i]! + 12 + 4 * k;
      bytes.writeUInt32LE(HEAP_ADDRESS + starts[other]!, at);
      isReference.add(at);
    }
    for (const k of [0, 1])
      bytes.writeUInt32LE(((id + 1) * (0x9e3779b1 + k)) % 2 ** 31, starts[i + 1]! - 16 + 4 * k);
  }
  return { bytes, starts, isReference };
}

function mapOf(bytes: Buffer, unit: number, isSet: (at: number) => boolean): Buffer {
  const map = Buffer.alloc(Math.ceil(bytes.length / unit / 8));
  for (let at = 0; at + unit <= bytes.length; at += unit) {
    const bit = at / unit;
    if (isSet(at)) map[bit >> 3]! |= 1 << (bit & 7);
  }
  return map;
}

/** What the two below are versions of. */
function archiveSpec(): CdsSpec {
  const symbols = Array.from(
    { length: 700 },
    (_, i) => `java/${'abcdefgh'[i % 8]!.repeat(i % 11)}/Name${(i * 7919) % 4093}`,
  );
  const classes = Array.from({ length: 500 }, (_, i) => ({
    id: i,
    name: (i * 13) % 700,
    refers: [(i * 31 + 7) % 500, (i * 17 + 1) % 500, i],
    numbers: 2 + (i % 6),
  }));
  const objects = Array.from({ length: 600 }, (_, i) => ({
    id: i,
    class: (i * 11) % 500,
    refers: Array.from({ length: 1 + (i % 5) }, (_, k) => (i * 37 + k * 101) % 600),
  }));
  return { symbols, classes, objects, seed: 0x5eed };
}

/** Two archives: in the later a symbol, a class and an object are put in, and other hashes are drawn. */
export function cdsVersions(release: 17 | 25 = 17): readonly [old: Uint8Array, next: Uint8Array] {
  const spec = archiveSpec();
  const moved = (at: number, index: number) => (index < at ? index : index + 1);
  const later: CdsSpec = {
    symbols: spec.symbols.toSpliced(90, 0, 'java/lang/Added'),
    classes: spec.classes
      .map((each) => ({ ...each, name: moved(90, each.name), refers: each.refers.map((i) => moved(60, i)) }))
      .toSpliced(60, 0, { id: 1000, name: 90, refers: [3, 4, 5, 6], numbers: 2 }),
    objects: spec.objects
      .map((each) => ({
        id: each.id,
        class: moved(60, each.class),
        refers: each.refers.map((i) => moved(50, i)),
      }))
      .toSpliced(50, 0, { id: 1000, class: 60, refers: [1, 2, 3, 4, 5] }),
    seed: 0xface,
  };
  return [buildCds({ ...spec, release }), buildCds({ ...later, release })];
}
