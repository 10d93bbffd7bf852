/**
 * Makes small executables as Go's linker does, so that tests can insert a function or a type and have everything after it
 * move: the tables of functions and of places in the code, types with their methods, the module data.
 */

export interface GoSpec {
  /** Whose tables: those of Go 1.18 or of Go 1.20. */
  readonly version: 18 | 20;
  readonly functions: readonly { readonly name: string; readonly bytes: number }[];
  /** Structures, each with functions as its methods. */
  readonly types: readonly { readonly name: string; readonly methods: readonly number[] }[];
}

const BASE = 0x400000;
const PAGE = 0x1000;
const SECTIONS = ['.text', '.rodata', '.typelink', '.gopclntab', '.noptrdata', '.shstrtab'] as const;

/** Numbers as bytes, each of `bytes`. */
function numbers(bytes: 1 | 4 | 8, ...values: number[]): Buffer {
  const out = Buffer.alloc(bytes * values.length);
  for (const [i, value] of values.entries())
    if (bytes === 8) out.writeBigUInt64LE(BigInt(value), 8 * i);
    else if (bytes === 4) out.writeUInt32LE(value >>> 0, 4 * i);
    else out[i] = value;
  return out;
}

/** Puts buffers one after the other, aligned, and tells where each begins. */
function chain(parts: readonly Buffer[], align: number): { bytes: Buffer; starts: number[] } {
  const starts: number[] = [];
  let end = 0;
  for (const part of parts) {
    starts.push(end);
    end = Math.ceil((end + part.length) / align) * align;
  }
  const bytes = Buffer.alloc(end);
  for (const [i, part] of parts.entries()) part.copy(bytes, starts[i]!);
  return { bytes, starts };
}

export function buildGo(spec: GoSpec): Uint8Array {
  const code = chain(spec.functions.map(codeOf), 16);
  const names = chain(
    spec.functions.map(({ name }) => Buffer.from(`${name}\0`)),
    1,
  );
  const programs = chain(
    spec.functions.map(({ name }) => Buffer.from(`${name.repeat(3)}\0`)),
    1,
  );
  const files = chain(
    spec.functions.map(({ name }) => Buffer.from(`/src/${name}.go\0`)),
    1,
  );
  // Sizes don't depend on addresses: laid out once with zeros, then filled in.
  let addresses: Record<string, number> = {};
  let file: Buffer = Buffer.alloc(0);
  for (let pass = 0; pass < 2; pass++) {
    const at = (name: string) => addresses[name] ?? 0;
    const types = typeData(spec, code.starts, at('.rodata') + 32);
    const objects = chain(
      spec.functions.map(({ name }) =>
        Buffer.concat([numbers(8, 1), numbers(4, -(hashOf(name) & 0xff8), 16, 8, 64 + (name.length & 3))]),
      ),
      8,
    );
    const bucketBytes = buckets(code.starts, code.bytes.length);
    const readonly = chain([Buffer.alloc(32), types.bytes, objects.bytes, bucketBytes, Buffer.alloc(64)], 32);
    const tables = functionTables(
      spec,
      { code, names, programs, files, objects: objects.starts },
      at('.text'),
    );
    const contents: Record<string, Buffer> = {
      '.text': code.bytes,
      '.rodata': readonly.bytes,
      '.typelink': numbers(4, ...types.starts),
      '.gopclntab': tables.bytes,
      '.noptrdata': moduleData(spec, {
        tables: tables.starts.map((each) => at('.gopclntab') + each),
        text: at('.text'),
        textEnd: at('.text') + code.bytes.length,
        buckets: at('.rodata') + readonly.starts[3]!,
        types: at('.rodata') + 32,
        typesEnd: at('.rodata') + readonly.starts[2]!,
        readonlyStart: at('.rodata'),
        functionData: at('.rodata') + readonly.starts[2]!,
        typeLinks: at('.typelink'),
      }),
      '.shstrtab': Buffer.from(`\0${SECTIONS.join('\0')}\0`),
    };
    ({ file, addresses } = write(contents));
  }
  return new Uint8Array(file);
}

/** Instructions of a byte each, the same for the same name. */
function codeOf({ name, bytes }: GoSpec['functions'][number]): Buffer {
  let state = hashOf(name);
  return Buffer.from(
    Array.from({ length: bytes }, () => {
      state = Math.imul(state, 1664525) + 1013904223;
      return 0x50 + (state >>> 28);
    }),
  );
}

function hashOf(name: string): number {
  let hash = 1;
  for (const each of Buffer.from(name)) hash = Math.imul(hash ^ each, 0x01000193);
  return hash;
}

/** Each type with its name behind it. */
function typeData(spec: GoSpec, codeStarts: readonly number[], address: number) {
  let starts: number[] = [];
  let bytes: Buffer = Buffer.alloc(0);
  for (let pass = 0; pass < 2; pass++) {
    const parts = spec.types.map(({ name, methods }, i) => {
      const nameAt = (starts[i] ?? 0) + 48 + 32 + 16 + 16 * methods.length;
      const next = starts[(i + 1) % spec.types.length] ?? 0;
      return Buffer.concat([
        numbers(8, 24, 8),
        numbers(4, hashOf(name)),
        // With methods, aligned to 8, a structure.
        numbers(1, 1, 8, 8, 25),
        numbers(8, address - 32, address - 24),
        numbers(4, nameAt, next),
        numbers(8, 0, 0, 0, 0),
        numbers(4, nameAt, methods.length | (methods.length << 16), 16, 0),
        ...methods.map((each) => numbers(4, nameAt, next, codeStarts[each]!, codeStarts[each]!)),
        numbers(1, 1, name.length),
        Buffer.from(name),
      ]);
    });
    // The first byte of the types belongs to none.
    ({ bytes, starts } = chain([Buffer.alloc(8), ...parts], 8));
    starts.shift();
  }
  return { bytes, starts };
}

function buckets(starts: readonly number[], codeBytes: number): Buffer {
  const functionAt = (place: number) => starts.findLastIndex((each) => each <= place);
  const all: Buffer[] = [];
  for (let code = 0; code < codeBytes; code += 4096) {
    const first = functionAt(code);
    const places = Array.from({ length: 16 }, (_, part) => code + 256 * part);
    const parts = places.map((each) => (each < codeBytes ? functionAt(each) - first : 0));
    all.push(numbers(4, first), numbers(1, ...parts));
  }
  return Buffer.concat(all);
}

interface Chained {
  readonly bytes: Buffer;
  readonly starts: readonly number[];
}

interface FunctionParts {
  readonly code: Chained;
  readonly names: Chained;
  readonly programs: Chained;
  readonly files: Chained;
  readonly objects: readonly number[];
}

/** Header, names, units, files, programs; then the table of functions with their records. */
function functionTables(spec: GoSpec, parts: FunctionParts, textStart: number) {
  const { code, names, programs, files, objects } = parts;
  const count = spec.functions.length;
  const records = chain(
    spec.functions.map((_, i) =>
      Buffer.concat([
        numbers(4, code.starts[i]!, names.starts[i]!, 8, 0),
        numbers(4, programs.starts[i]!, programs.starts[i]! + 1, programs.starts[i]! + 2, 1, i),
        ...(spec.version === 20 ? [numbers(4, hashOf(spec.functions[i]!.name) & 0xfff)] : []),
        numbers(1, 0, 0, 0, 3),
        numbers(4, programs.starts[i]!, -1, -1, objects[i]!),
      ]),
    ),
    8,
  );
  const recordsAt = 8 * count + 8;
  const table = Buffer.concat([
    ...spec.functions.map((_, i) => numbers(4, code.starts[i]!, recordsAt + records.starts[i]!)),
    numbers(4, code.bytes.length, 0),
  ]);
  const header = Buffer.alloc(72 + 24);
  const units = numbers(4, ...files.starts);
  const whole = chain(
    [header, names.bytes, units, files.bytes, programs.bytes, Buffer.concat([table, records.bytes])],
    32,
  );
  whole.bytes.writeUInt32LE(spec.version === 18 ? 0xfffffff0 : 0xfffffff1, 0);
  whole.bytes.set([1, 8], 6);
  numbers(8, count, count, textStart, ...whole.starts.slice(1)).copy(whole.bytes, 8);
  return whole;
}

interface Places {
  readonly tables: readonly number[];
  readonly text: number;
  readonly textEnd: number;
  readonly buckets: number;
  readonly types: number;
  readonly typesEnd: number;
  readonly readonlyStart: number;
  readonly functionData: number;
  readonly typeLinks: number;
}

function moduleData(spec: GoSpec, places: Places): Buffer {
  const slice = (address: number) => [address, 1, 1];
  const [header, ...rest] = places.tables as [number, ...number[]];
  const first = [
    header,
    ...rest.flatMap(slice),
    ...slice(rest[4]!),
    places.buckets,
    places.text,
    places.textEnd,
  ];
  const later = spec.version === 20 ? 2 : 0;
  const middle = new Array<number>(35 + later - first.length).fill(0);
  const last = [places.types, places.typesEnd, places.readonlyStart, places.functionData, 0, 0, 0];
  const count = spec.types.length;
  const words = [...first, ...middle, ...last, places.typeLinks, count, count];
  return Buffer.concat([Buffer.alloc(16, 7), numbers(8, ...words), Buffer.alloc(128)]);
}

/** Lays the sections out, a page each, between ELF header, one loaded segment and section headers. */
function write(contents: Record<string, Buffer>): { file: Buffer; addresses: Record<string, number> } {
  const addresses: Record<string, number> = {};
  const headers: Buffer[] = [Buffer.alloc(64)];
  const bodies: Buffer[] = [Buffer.alloc(PAGE)];
  let at = PAGE;
  const strings = contents['.shstrtab']!.toString('latin1');
  for (const name of SECTIONS) {
    const bytes = contents[name]!;
    const inMemory = name !== '.shstrtab';
    const flags = name === '.text' ? 6 : name === '.noptrdata' ? 3 : inMemory ? 2 : 0;
    addresses[name] = BASE + at;
    headers.push(
      numbers(4, strings.indexOf(`\0${name}\0`) + 1, inMemory ? 1 : 3),
      numbers(8, flags, inMemory ? BASE + at : 0, at, bytes.length, 0, 32, 0),
    );
    const padded = Buffer.alloc(Math.ceil(bytes.length / PAGE) * PAGE);
    bytes.copy(padded);
    bodies.push(padded);
    at += padded.length;
  }
  const file = Buffer.concat([...bodies, ...headers]);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  file.set([2, 0, 62, 0, 1, 0, 0, 0], 16);
  numbers(8, addresses['.text']!, 64, at).copy(file, 24);
  file.set([64, 0, 56, 0, 1, 0, 64, 0, SECTIONS.length + 1, 0, SECTIONS.length, 0], 52);
  Buffer.concat([numbers(4, 1, 7), numbers(8, 0, BASE, BASE, at, at, PAGE)]).copy(file, 64);
  return { file, addresses };
}
