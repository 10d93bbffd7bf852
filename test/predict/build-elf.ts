/**
 * Links small ELF files from functions and data, so that tests can insert one and have everything after it move, as a
 * real linker does: calls, addresses, relocations, symbols, hash table and unwind tables.
 */

export interface FunctionSpec {
  readonly name: string;
  /** Functions called, by name. */
  readonly calls: readonly string[];
  /** Strings whose addresses are taken, by number. */
  readonly takes: readonly number[];
  /** Bytes of other instructions, a multiple of 4. */
  readonly filler: number;
}

export interface ElfSpec {
  readonly machine: 'x86-64' | 'aarch64';
  readonly functions: readonly FunctionSpec[];
  /** Bytes of each string. */
  readonly strings: readonly number[];
}

interface Part {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly entryBytes: number;
  readonly link: number;
  readonly align: number;
  readonly bytes: Buffer;
}

const PAGE = 0x1000;
const HEADERS = 64 + 4 * 56;

export function buildElf(spec: ElfSpec): Uint8Array {
  // Sizes don't depend on addresses: laid out once with zeros, then filled in.
  let places = new Map<string, number>();
  let parts = makeParts(spec, places);
  places = layOut(parts);
  parts = makeParts(spec, places);
  return write(spec, parts, places);
}

function layOut(parts: readonly Part[]): Map<string, number> {
  const places = new Map<string, number>();
  let at = HEADERS;
  for (const part of parts) {
    const align =
      part.name === '.text' || part.name === '.rodata' || part.name === '.data.rel.ro' ? PAGE : part.align;
    at = Math.ceil(at / align) * align;
    places.set(part.name, at);
    at += part.bytes.length;
  }
  places.set('end', Math.ceil(at / 8) * 8);
  return places;
}

function makeParts(spec: ElfSpec, places: ReadonlyMap<string, number>): Part[] {
  const place = (name: string) => places.get(name) ?? 0;
  const codes = spec.functions.map((each) => codeBytes(spec, each));
  const starts = offsets(codes, 16);
  const functionAt = (name: string) =>
    place('.text') + starts[spec.functions.findIndex((each) => each.name === name)]!;
  const stringStarts = offsets(spec.strings, 4);
  const stringAt = (number: number) => place('.rodata') + stringStarts[number]!;

  const text = Buffer.alloc(sizeOf(starts, codes), 0x90);
  for (const [i, each] of spec.functions.entries())
    writeCode(spec, text, starts[i]!, place('.text'), each, functionAt, stringAt);
  const rodata = Buffer.alloc(sizeOf(stringStarts, spec.strings));
  for (const [i, size] of spec.strings.entries())
    rodata.fill(97 + (i % 26), stringStarts[i]!, stringStarts[i]! + size);

  const buckets = Math.max(1, spec.functions.length >> 2);
  const exported = spec.functions
    .map((each, i) => ({ name: each.name, start: starts[i]!, size: codes[i]!, hash: gnuHash(each.name) }))
    .sort((a, b) => (a.hash % buckets) - (b.hash % buckets) || a.start - b.start);
  const names = Buffer.from(`\0${spec.functions.map((each) => each.name).join('\0')}\0`);
  const symbols = Buffer.alloc(24 * (exported.length + 1));
  for (const [i, each] of exported.entries()) {
    const at = 24 * (i + 1);
    symbols.writeUInt32LE(names.indexOf(`\0${each.name}\0`) + 1, at);
    symbols.writeUInt32LE(0x0007_0012, at + 4);
    symbols.writeBigUInt64LE(BigInt(place('.text') + each.start), at + 8);
    symbols.writeBigUInt64LE(BigInt(each.size), at + 16);
  }
  const relocations = Buffer.alloc(24 * spec.functions.length);
  const pointers = Buffer.alloc(8 * spec.functions.length);
  for (const [i, each] of spec.functions.entries()) {
    const value = BigInt(functionAt(each.name));
    relocations.writeBigUInt64LE(BigInt(place('.data.rel.ro') + 8 * i), 24 * i);
    relocations.writeBigUInt64LE(spec.machine === 'x86-64' ? 8n : 1027n, 24 * i + 8);
    relocations.writeBigUInt64LE(value, 24 * i + 16);
    pointers.writeBigUInt64LE(value, 8 * i);
  }
  const { header, frames } = unwindTables(spec, places, starts, codes);
  const part = (
    name: string,
    type: number,
    flags: number,
    bytes: Buffer,
    entryBytes = 0,
    link = 0,
  ): Part => ({
    name,
    type,
    flags,
    bytes,
    entryBytes,
    link,
    align: 8,
  });
  return [
    part('.gnu.hash', 0x6ffffff6, 2, hashTable(exported, buckets), 0, 2),
    part('.dynsym', 11, 2, symbols, 24, 3),
    part('.dynstr', 3, 2, names),
    part('.gnu.version', 0x6fffffff, 2, Buffer.alloc(2 * (exported.length + 1), 1), 2, 2),
    part('.rela.dyn', 4, 2, relocations, 24, 2),
    part('.text', 1, 6, text),
    part('.rodata', 1, 2, rodata),
    part('.eh_frame_hdr', 1, 2, header),
    part('.eh_frame', 1, 2, frames),
    part('.data.rel.ro', 1, 3, pointers),
    part('.shstrtab', 3, 0, Buffer.from('\0.text\0')),
  ];
}

function codeBytes(spec: ElfSpec, { calls, takes, filler }: FunctionSpec): number {
  const [call, take] = spec.machine === 'x86-64' ? [5, 7] : [4, 8];
  return calls.length * call + takes.length * take + filler;
}

function writeCode(
  spec: ElfSpec,
  text: Buffer,
  start: number,
  base: number,
  { name, calls, takes, filler }: FunctionSpec,
  functionAt: (name: string) => number,
  stringAt: (number: number) => number,
): void {
  let at = start;
  const arm = spec.machine === 'aarch64';
  for (const target of takes) {
    if (arm) {
      const pages = (stringAt(target) >> 12) - ((base + at) >> 12);
      text.writeUInt32LE((0x90000000 | ((pages & 3) << 29) | (((pages >> 2) & 0x7ffff) << 5)) >>> 0, at);
      text.writeUInt32LE((0x91000000 | ((stringAt(target) & 0xfff) << 10)) >>> 0, at + 4);
      at += 8;
    } else {
      text.set([0x48, 0x8d, 0x3d], at);
      text.writeInt32LE(stringAt(target) - (base + at + 7), at + 3);
      at += 7;
    }
  }
  for (const called of calls) {
    if (arm) {
      text.writeUInt32LE((0x94000000 | (((functionAt(called) - base - at) >> 2) & 0x3ffffff)) >>> 0, at);
      at += 4;
    } else {
      text[at] = 0xe8;
      text.writeInt32LE(functionAt(called) - (base + at + 5), at + 1);
      at += 5;
    }
  }
  // mov r8d, imm32 · nop · nop / movz: different for every function and place.
  let seed = gnuHash(name);
  for (let i = 0; i < filler; i += 4) {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    if (arm) text.writeUInt32LE((0x52800000 | ((seed >>> 8) & 0x1fffff)) >>> 0, at + i);
    else text.set([0x83, 0xc0, (seed >>> 16) & 0x7f, 0x90], at + i);
  }
}

function hashTable(symbols: readonly { hash: number }[], buckets: number): Buffer {
  const words = 4;
  const shift = 6;
  const table = Buffer.alloc(16 + 8 * words + 4 * buckets + 4 * symbols.length);
  for (const [i, number] of [buckets, 1, words, shift].entries()) table.writeUInt32LE(number, 4 * i);
  for (const [i, { hash }] of symbols.entries()) {
    const at = 16 + 8 * (Math.floor(hash / 64) % words);
    const bits = (1n << BigInt(hash & 63)) | (1n << BigInt((hash >>> shift) & 63));
    table.writeBigUInt64LE(table.readBigUInt64LE(at) | bits, at);
    const bucket = 16 + 8 * words + 4 * (hash % buckets);
    if (table.readUInt32LE(bucket) === 0) table.writeUInt32LE(i + 1, bucket);
    const last = i + 1 === symbols.length || symbols[i + 1]!.hash % buckets !== hash % buckets;
    table.writeUInt32LE(((hash & ~1) | (last ? 1 : 0)) >>> 0, 16 + 8 * words + 4 * buckets + 4 * i);
  }
  return table;
}

function unwindTables(
  spec: ElfSpec,
  places: ReadonlyMap<string, number>,
  starts: readonly number[],
  sizes: readonly number[],
): { header: Buffer; frames: Buffer } {
  const count = spec.functions.length;
  const frames = Buffer.alloc(24 + 24 * count + 4);
  const header = Buffer.alloc(12 + 8 * count);
  const framesAt = places.get('.eh_frame') ?? 0;
  const headerAt = places.get('.eh_frame_hdr') ?? 0;
  frames.writeUInt32LE(20, 0);
  frames.write('\x01zR\0\x01\x78\x10\x01\x1b', 8, 'latin1');
  header.writeUInt32LE(0x3b031b01, 0);
  header.writeInt32LE(framesAt - headerAt - 4, 4);
  header.writeUInt32LE(count, 8);
  for (const [i, start] of starts.entries()) {
    const at = 24 + 24 * i;
    const code = (places.get('.text') ?? 0) + start;
    frames.writeUInt32LE(20, at);
    frames.writeUInt32LE(at + 4, at + 4);
    frames.writeInt32LE(code - (framesAt + at + 8), at + 8);
    frames.writeUInt32LE(sizes[i]!, at + 12);
    header.writeInt32LE(code - headerAt, 12 + 8 * i);
    header.writeInt32LE(framesAt + at - headerAt, 16 + 8 * i);
  }
  return { header, frames };
}

function write(spec: ElfSpec, parts: readonly Part[], places: ReadonlyMap<string, number>): Uint8Array {
  const end = places.get('end')!;
  const file = Buffer.alloc(end + 64 * (parts.length + 1));
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.writeUInt16LE(3, 16);
  file.writeUInt16LE(spec.machine === 'x86-64' ? 62 : 183, 18);
  file.writeBigUInt64LE(64n, 32);
  file.writeBigUInt64LE(BigInt(end), 40);
  for (const [i, value] of [64, 56, 4, 64, parts.length + 1, parts.length].entries())
    file.writeUInt16LE(value, 52 + 2 * i);
  const place = (name: string) => places.get(name)!;
  const load = (index: number, type: number, from: number, to: number) => {
    const at = 64 + 56 * index;
    file.writeUInt32LE(type, at);
    for (const [field, value] of [from, from, from, to - from, to - from].entries())
      file.writeBigUInt64LE(BigInt(value), at + 8 + 8 * field);
  };
  load(0, 1, 0, place('.rodata'));
  load(1, 1, place('.rodata'), place('.data.rel.ro'));
  load(2, 1, place('.data.rel.ro'), place('.shstrtab'));
  load(3, 0x6474e550, place('.eh_frame_hdr'), place('.eh_frame'));
  for (const [i, part] of parts.entries()) {
    const at = end + 64 * (i + 1);
    file.set(part.bytes, place(part.name));
    file.writeUInt32LE(part.type, at + 4);
    file.writeUInt32LE(part.flags, at + 8);
    const address = (part.flags & 2) !== 0 ? place(part.name) : 0;
    for (const [field, value] of [address, place(part.name), part.bytes.length].entries())
      file.writeBigUInt64LE(BigInt(value), at + 16 + 8 * field);
    file.writeUInt32LE(part.link, at + 40);
    file.writeBigUInt64LE(8n, at + 48);
    file.writeBigUInt64LE(BigInt(part.entryBytes), at + 56);
  }
  return new Uint8Array(file);
}

export function gnuHash(name: string): number {
  let hash = 5381;
  for (const byte of Buffer.from(name)) hash = (Math.imul(hash, 33) + byte) >>> 0;
  return hash;
}

function offsets(sizes: readonly number[], align: number): number[] {
  let at = 0;
  return sizes.map((size) => {
    const start = at;
    at = Math.ceil((at + size) / align) * align;
    return start;
  });
}

function sizeOf(starts: readonly number[], sizes: readonly number[]): number {
  return (starts.at(-1) ?? 0) + (sizes.at(-1) ?? 0);
}
