/**
 * Makes small objects as an assembler does, so that tests can insert a function and have everything after it move: code
 * with its relocations, a table that refers to the code, symbols.
 */

export interface ObjectSpec {
  readonly functions: readonly {
    readonly name: string;
    readonly bytes: number;
    /** Names of what is called, each from another place. */
    readonly calls: readonly string[];
  }[];
}

interface Part {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly link: number;
  readonly info: number;
  readonly entryBytes: number;
  readonly bytes: Buffer;
}

const CALL_BYTES = 16;
const TEXT = 1;
const TABLE = 3;
const SYMBOLS = 5;

export function buildObject({ functions }: ObjectSpec): Uint8Array {
  const starts: number[] = [];
  let codeBytes = 0;
  for (const { bytes, calls } of functions) {
    starts.push(codeBytes);
    codeBytes += Math.ceil((bytes + CALL_BYTES * calls.length) / 16) * 16;
  }
  const code = Buffer.alloc(codeBytes, 0x90);
  const called = [...new Set(functions.flatMap((each) => each.calls))].sort();
  const own = functions.map((each) => each.name);
  const names = Buffer.from(`\0${[...own, ...called].join('\0')}\0`);
  // None, the two sections, the functions, what is called.
  const symbol = (name: string, info: number, section: number, value: number, size: number) =>
    Buffer.concat([
      words(name === '' ? 0 : names.indexOf(`\0${name}\0`) + 1, info | (section << 16)),
      longs(value, size),
    ]);
  const symbols = Buffer.concat([
    symbol('', 0, 0, 0, 0),
    symbol('', 3, TEXT, 0, 0),
    symbol('', 3, TABLE, 0, 0),
    ...functions.map(({ name, bytes }, i) => symbol(name, 0x12, TEXT, starts[i]!, bytes)),
    ...called.map((name) => symbol(name, 0x10, 0, 0, 0)),
  ]);
  const relocations: Buffer[] = [];
  const places: number[] = [];
  for (const [i, { name, calls }] of functions.entries()) {
    let state = 7;
    for (const each of Buffer.from(name)) state = Math.imul(state ^ each, 0x01000193);
    for (let at = starts[i]!; at < (starts[i + 1] ?? codeBytes); at++) {
      state = Math.imul(state, 1664525) + 1013904223;
      code[at] = 0x50 + (state >>> 28);
    }
    for (const [k, each] of calls.entries()) {
      const place = starts[i]! + CALL_BYTES * k + 1;
      code.set([0xe8, 0, 0, 0, 0], place - 1);
      places.push(place - 1);
      const number = 3 + functions.length + called.indexOf(each);
      relocations.push(longs(place), words(4, number), Buffer.from('fcffffffffffffff', 'hex'));
    }
  }
  const table = places.flatMap((place, i) => [longs(4 * i), words(2, 1), longs(place)]);
  const parts: Part[] = [
    { name: '.text', type: 1, flags: 6, link: 0, info: 0, entryBytes: 0, bytes: code },
    rela('.rela.text', TEXT, Buffer.concat(relocations)),
    {
      name: '.table',
      type: 1,
      flags: 2,
      link: 0,
      info: 0,
      entryBytes: 0,
      bytes: Buffer.alloc(4 * places.length),
    },
    rela('.rela.table', TABLE, Buffer.concat(table)),
    { name: '.symtab', type: 2, flags: 0, link: 6, info: 3, entryBytes: 24, bytes: symbols },
    { name: '.strtab', type: 3, flags: 0, link: 0, info: 0, entryBytes: 0, bytes: names },
  ];
  return write(parts);
}

function rela(name: string, info: number, bytes: Buffer): Part {
  return { name, type: 4, flags: 0x40, link: SYMBOLS, info, entryBytes: 24, bytes };
}

function words(...values: number[]): Buffer {
  const out = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) out.writeUInt32LE(value >>> 0, 4 * i);
  return out;
}

function longs(...values: number[]): Buffer {
  const out = Buffer.alloc(8 * values.length);
  for (const [i, value] of values.entries()) out.writeBigUInt64LE(BigInt(value), 8 * i);
  return out;
}

/** Relocations stand behind the other sections, as assemblers have it. */
function write(parts: readonly Part[]): Uint8Array {
  const strings = Buffer.from(`\0${parts.map((each) => each.name).join('\0')}\0.shstrtab\0`);
  const all = [
    ...parts,
    { name: '.shstrtab', type: 3, flags: 0, link: 0, info: 0, entryBytes: 0, bytes: strings },
  ];
  const order = [...all.filter((each) => each.type !== 4), ...all.filter((each) => each.type === 4)];
  const starts = new Map<string, number>();
  const bodies: Buffer[] = [Buffer.alloc(64)];
  let at = 64;
  for (const { name, bytes } of order) {
    starts.set(name, at);
    const padded = Buffer.alloc(Math.ceil(bytes.length / 16) * 16);
    bytes.copy(padded);
    bodies.push(padded);
    at += padded.length;
  }
  const headers = all.map(({ name, type, flags, link, info, entryBytes, bytes }) =>
    Buffer.concat([
      words(strings.indexOf(`\0${name}\0`) + 1, type),
      longs(flags, 0, starts.get(name)!, bytes.length),
      words(link, info),
      longs(16, entryBytes),
    ]),
  );
  const file = Buffer.concat([...bodies, Buffer.alloc(64), ...headers]);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.set([1, 0, 62, 0, 1, 0, 0, 0], 16);
  longs(0, 0, at).copy(file, 24);
  file.set([64, 0, 0, 0, 0, 0, 64, 0, all.length + 1, 0, all.length, 0], 52);
  return new Uint8Array(file);
}
