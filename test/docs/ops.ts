/** The ops of docs/format.md, section 7, by the letter: everything in memory, nothing fast. */
import { type Reader, read } from './cursor.ts';
import { type Made, openDigests } from './digests.ts';
import { type ExecutableOp, predictExecutable } from './executable.ts';
import { close, type Entries, readWay, type Way } from './parts.ts';

/** An op that was run, for those who explain a patch. */
export interface RunOp {
  readonly name: string;
  /** As in the ops stream: 0 for headers. */
  readonly length: number;
  /** Bytes of the tar that were there before. */
  readonly produced: number;
  /** Where it read: an address of the base space, or a position in the news. */
  readonly source: number | undefined;
  /** The bytes it took, by stream. */
  readonly took: readonly Uint8Array[];
}

export type OnOp = (op: RunOp) => void;

const OP_NAMES = ['region', 'binary', 'text', 'header', 'repeat', 'executable', 'part', 'digest'];

/** Makes a tar of `size` bytes. `stream` gives a stream's plain bytes, empty where there is none. */
export function runOps(
  size: number,
  stream: (number: number) => Uint8Array,
  base: Uint8Array,
  onOp: OnOp = () => {},
): Uint8Array {
  const streams = [0, 1, 2, 3, 4, 5, 6, 7].map((number) => read(stream(number)));
  const [ops, seeks, gaps, diffs, binary, text, headers, repeats] = streams as [
    Reader,
    Reader,
    Reader,
    Reader,
    Reader,
    Reader,
    Reader,
    Reader,
  ];
  let made = Buffer.alloc(size);
  let entries: Entries = new Map();
  const ways: Way[] = [];
  const lastWays: Way[] = [];
  let depth = 0;
  let inBitcode = false;
  let plainLeft = 2 ** 26 + 16 * size;
  const digests = openDigests();
  let whole: Made = { tar: made, produced: 0 };
  /** The header that the op before made, if it did. */
  let lastHeader: Uint8Array | undefined;
  const news: number[] = [];
  let produced = 0;
  let basePlace = 0;
  let newsPlace = 0;
  let gap: number | undefined;
  let timeShift = 0;
  let source: number | undefined;

  const put = (bytes: Uint8Array): void => {
    if (bytes.length > made.length - produced) throw new Error('an op makes more than the tar has');
    made.set(bytes, produced);
    produced += bytes.length;
  };
  const readBase = (length: number): Uint8Array => {
    const address = basePlace + seeks.signed();
    if (address < 0 || address + length > base.length) throw new Error('outside of the base space');
    basePlace = address + length;
    source = address;
    return Uint8Array.from(base.subarray(address, address + length));
  };
  const change = (region: Uint8Array): void => {
    gap ??= gaps.integer();
    let at = 0;
    while (gap < region.length - at) {
      at += gap;
      region[at] = (region[at]! + diffs.byte()) % 256;
      at++;
      gap = gaps.integer();
    }
    gap -= region.length - at;
  };
  const literals = (code: number, length: number): Uint8Array => {
    const bytes = (code === 1 ? binary : text).take(length);
    for (const byte of bytes) news.push(byte);
    return bytes;
  };
  /** Of the ops that make `length` bytes all numbers are taken first: section 7.5. */
  const executable = (length: number): void => {
    readBase(0);
    const address = source!;
    const oldSize = ops.integer();
    if (length >= 2 ** 31 || oldSize >= 2 ** 31 || address + oldSize > base.length)
      throw new Error('an executable is too large');
    const inner: ExecutableOp[] = [];
    let newsLater = news.length;
    for (let left = length; left > 0; ) {
      const value = ops.integer();
      const each = { code: value % 8, length: Math.floor(value / 8), source: 0 };
      if (![0, 1, 2, 4].includes(each.code) || each.length === 0 || each.length > left)
        throw new Error('an op can not make an executable');
      if (each.code === 0) {
        readBase(each.length);
        each.source = source!;
      } else if (each.code === 4) each.source = readBack(each.length, newsLater);
      else newsLater += each.length;
      inner.push(each);
      left -= each.length;
      if (inner.length > 262_144) throw new Error('too many ops make an executable');
    }
    source = address;
    const make = (each: ExecutableOp): Uint8Array => {
      if (each.code === 4) return Uint8Array.from(news.slice(each.source, each.source + each.length));
      if (each.code !== 0) return literals(each.code, each.length);
      const region = Uint8Array.from(base.subarray(each.source, each.source + each.length));
      change(region);
      return region;
    };
    put(predictExecutable(base.subarray(address, address + oldSize), address, length, inner, make, change));
  };
  const readBack = (length: number, newsThen: number): number => {
    const position = newsPlace + repeats.signed();
    if (position < 0 || position + length > newsThen) throw new Error('outside of the news');
    newsPlace = position + length;
    return position;
  };

  /** Section 7.8: the ops of the plain form come next, and make it as they make a tar. */
  const part = (length: number): void => {
    plainLeft -= length;
    if (depth === 4 || plainLeft < 0) throw new Error('parts are too deep, or too large');
    const index = ops.integer();
    if (index > ways.length || ways.length > 64) throw new Error('there is no such way');
    if (index === 0) ways.push(readWay(ops));
    const way = ways[index === 0 ? ways.length - 1 : index - 1]!;
    if (way.form < 3 && lastWays[depth] !== way) plainLeft -= 65_536;
    if (way.form < 3) lastWays[depth] = way;
    if (plainLeft < 0) throw new Error('engines change too often');
    if (inBitcode) throw new Error('a part lies in bitcode');
    const back = way.form === 3 ? ops.integer() : 0;
    if (back > produced) throw new Error('an archive begins too early');
    const around = { made, produced, entries };
    made = Buffer.alloc(length);
    produced = 0;
    entries = new Map();
    depth++;
    inBitcode = way.form === 4;
    runAll();
    inBitcode = false;
    depth--;
    const plain = made;
    ({ made, produced, entries } = around);
    put(close(way, plain, produced, back, entries));
  };
  /** Section 7.9. */
  const digest = (length: number): void => {
    if (length >= 8) {
      lastHeader = undefined;
      put(digests.list(length, whole));
      return;
    }
    if (length > 4 || depth > 0) throw new Error('there is no such digest');
    const fromHeader = lastHeader && numberIn(lastHeader.subarray(124, 136));
    digests.mark(length, lastHeader === undefined ? ops.integer() : fromHeader, whole);
  };
  const runAll = (): void => {
    while (produced < made.length) runOne();
  };
  const runOne = (): void => {
    const before = streams.map(({ left }) => left);
    const start = produced;
    source = undefined;
    const value = ops.integer();
    const code = value % 8;
    const length = Math.floor(value / 8);
    if ((code === 3) !== (length === 0)) throw new Error('an op has a length it can not have');
    if (code < 6 && length > made.length - produced) throw new Error('an op makes more than the tar has');
    if (depth === 0) whole = { tar: made, produced };
    if (code !== 7) lastHeader = undefined;
    if (code === 0) {
      const region = readBase(length);
      change(region);
      put(region);
    } else if (code === 1 || code === 2) put(literals(code, length));
    else if (code === 3) {
      const header = readBase(512);
      timeShift = correctHeader(header, headers, timeShift);
      put(new Uint8Array((512 - (produced % 512)) % 512));
      put(header);
      lastHeader = header;
    } else if (code === 4) {
      source = readBack(length, news.length);
      put(Uint8Array.from(news.slice(source, source + length)));
    } else if (code === 5) executable(length);
    else if (code === 6) part(length);
    else digest(length);
    const took = streams.map(({ left }, number) => {
      const plain = stream(number);
      return plain.subarray(plain.length - before[number]!, plain.length - left);
    });
    onOp({ name: OP_NAMES[code]!, length, produced: start, source, took });
  };
  runAll();
  if (gap !== undefined && gap !== 0) throw new Error('the last gap goes past the last region');
  for (const [number, { left }] of streams.entries())
    if (left > 0) throw new Error(`stream ${number} is not at its end`);
  return made;
}

type Kind = 'number' | 'text' | 'raw';

/** Name, offset, length, kind, in the order of the bits: the table of section 7.4. */
export const HEADER_FIELDS: readonly (readonly [string, number, number, Kind])[] = [
  ['size', 124, 12, 'number'],
  ['mtime', 136, 12, 'number'],
  ['name', 0, 100, 'text'],
  ['linkname', 157, 100, 'text'],
  ['typeflag', 156, 1, 'raw'],
  ['mode', 100, 8, 'number'],
  ['uid', 108, 8, 'number'],
  ['gid', 116, 8, 'number'],
  ['prefix', 345, 155, 'text'],
  ['uname', 265, 32, 'text'],
  ['gname', 297, 32, 'text'],
  ['magic and version', 257, 8, 'raw'],
  ['devmajor', 329, 8, 'number'],
  ['devminor', 337, 8, 'number'],
  ['rest', 500, 12, 'raw'],
  ['checksum', 148, 8, 'raw'],
];

/** Changes `header` in place, and gives the new time shift. */
function correctHeader(header: Uint8Array, input: Reader, timeShift: number): number {
  const before = numberIn(header.subarray(136, 148));
  const mask = input.integer();
  if (mask >= 65536) throw new Error('the mask is too large');
  let shift = 0;
  for (const [bit, [name, offset, length, kind]] of HEADER_FIELDS.entries()) {
    const field = header.subarray(offset, offset + length);
    if (name === 'mtime' && before !== undefined) writeNumber(field, before + timeShift);
    if (name === 'checksum') field.set(checksumOf(header));
    if (Math.floor(mask / 2 ** bit) % 2 === 1) correctField(field, kind, input);
    if (name !== 'mtime') continue;
    const after = numberIn(field);
    shift = before === undefined || after === undefined ? 0 : after - before;
  }
  return shift;
}

function correctField(field: Uint8Array, kind: Kind, input: Reader): void {
  const code = kind === 'raw' ? 0 : input.integer();
  if (code === 0) field.set(input.take(field.length));
  else if (kind === 'number') {
    const from = numberIn(field);
    const rest = code - 1;
    const difference = rest % 2 === 0 ? rest / 2 : -(rest + 1) / 2;
    if (from === undefined || !writeNumber(field, from + difference)) throw new Error('not a number');
  } else {
    const end = field.indexOf(0);
    const text = Uint8Array.from(field.subarray(0, end < 0 ? field.length : end));
    const suffix = input.integer();
    const count = input.integer();
    if (code - 1 + suffix > text.length || count > 512) throw new Error('outside of the text');
    const whole = [text.subarray(0, code - 1), input.take(count), text.subarray(text.length - suffix)];
    const changed = Buffer.concat(whole);
    if (changed.length > field.length) throw new Error('the text is too long');
    field.fill(0);
    field.set(changed);
  }
}

function numberIn(field: Uint8Array): number | undefined {
  const text = Buffer.from(field).toString('latin1');
  return /^[0-7]*[\0 ]$/.test(text) ? Number.parseInt(text.slice(0, -1), 8) : undefined;
}

function writeNumber(field: Uint8Array, value: number): boolean {
  const digits = field.length - 1;
  if (value < 0 || value >= 8 ** digits) return false;
  field.set(Buffer.from(value.toString(8).padStart(digits, '0')));
  return true;
}

function checksumOf(header: Uint8Array): Uint8Array {
  let sum = 8 * 0x20;
  for (const [at, byte] of header.entries()) if (at < 148 || at >= 156) sum += byte;
  return Buffer.from(`${sum.toString(8).padStart(6, '0')}\0 `);
}
