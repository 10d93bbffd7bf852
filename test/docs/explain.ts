/** The worked example as docs/format.md shows it: every byte of the file, then every byte that an op takes. */
import { brotliDecompressSync } from 'node:zlib';
import { read } from './cursor.ts';
import { type Decoded, decodePatch, digest, readSections } from './decoder.ts';
import { HEADER_FIELDS, type RunOp } from './ops.ts';

const STREAMS = [
  'ops',
  'seeks',
  'gaps',
  'diffs',
  'binary',
  'text',
  'headers',
  'repeats',
  'blob',
  'recipe',
  'copies',
];
const KINDS = ['', 'header', 'documents', 'stream', 'end'];

/** The fenced blocks of section 10, by the second word of their info string. */
export async function explainExample(
  patch: Uint8Array,
  baseTar: Uint8Array,
): Promise<ReadonlyMap<string, string>> {
  const ops: string[] = [];
  const base = { tars: new Map([[digest(baseTar), baseTar]]), blobs: new Map() };
  const decoded = await decodePatch(patch, base, (op) => ops.push(...explainOp(op)));
  return new Map([
    ['example-file', explainFile(patch)],
    ['example-header', layOut(decoded.header)],
    ['example-config', new TextDecoder().decode(decoded.documents.get('config'))],
    ['example-streams', explainStreams(patch, decoded)],
    ['example-ops', ops.join('\n')],
  ]);
}

/** JSON with its rows of numbers on one line each. */
function layOut(value: unknown): string {
  return JSON.stringify(value, undefined, 2).replace(
    /\[\s+(\d[\d,\s]*?)\s+\]/g,
    (_, numbers: string) => `[${numbers.replaceAll(/\s+/g, ' ')}]`,
  );
}

/** The file's bytes as a document has them. */
export function bytesOfFileBlock(block: string): Uint8Array {
  const rows = [...block.matchAll(/^ *\d+ {2}((?:[0-9a-f]{2} ?)+)(?: |$)/gm)];
  return Buffer.from(rows.map(([, hex]) => hex!.replaceAll(' ', '')).join(''), 'hex');
}

function explainFile(patch: Uint8Array): string {
  const rows: string[] = [];
  let at = 0;
  const row = (bytes: Uint8Array, meaning: string): void => {
    for (let start = 0; start < bytes.length; start += 16) {
      const part = bytes.subarray(start, start + 16);
      rows.push(
        `${String(at).padStart(4)}  ${hex(part).padEnd(47)}  ${start === 0 ? meaning : ''}`.trimEnd(),
      );
      at += part.length;
    }
  };
  row(patch.subarray(0, 8), 'magic');
  row(patch.subarray(8, 9), 'version 1');
  for (const { kind, head, payload, check } of readSections(patch)) {
    row(head.subarray(0, 1), `kind ${kind}: ${KINDS[kind]}`);
    row(head.subarray(1), `length ${payload.length}`);
    if (kind === 3) {
      const input = read(payload);
      row(payload.subarray(0, 1), `layer ${input.integer()}`);
      const number = input.integer();
      row(payload.subarray(1, 2), `stream ${number}: ${STREAMS[number]}`);
      row(payload.subarray(2), 'coded bytes');
    } else row(payload, 'brotli');
    row(check, 'check');
  }
  return rows.join('\n');
}

/** What each stream decodes to. */
function explainStreams(patch: Uint8Array, { header }: Decoded): string {
  const streams = header.target.layers[0]!.streams ?? [];
  return streams
    .map(([number, codec]) => {
      const coded = readSections(patch)
        .filter(({ kind, payload }) => kind === 3 && payload[1] === number)
        .map(({ payload }) => payload.subarray(2));
      const joined = Buffer.concat(coded);
      const plain = codec === 1 ? brotliDecompressSync(joined) : joined;
      const lines = (hex(plain).match(/.{1,71}/g) ?? []).map((line) => line.trim());
      return `${STREAMS[number]!.padEnd(8)}${codec === 1 ? 'brotli' : 'stored'}  ${lines.join(`\n${' '.repeat(16)}`)}`;
    })
    .join('\n');
}

function explainOp({ name, length, produced, source, took }: RunOp): string[] {
  const where =
    source === undefined ? '' : `, from ${source} of the ${name === 'repeat' ? 'news' : 'base space'}`;
  const lines = [`at ${produced}: ${name}${length === 0 ? '' : ` of ${length}`}${where}`];
  for (const [number, bytes] of took.entries()) {
    if (bytes.length === 0) continue;
    const row = (part: Uint8Array, meaning: string) =>
      lines.push(`  ${STREAMS[number]!.padEnd(8)}${hex(part).padEnd(26)}  ${meaning}`.trimEnd());
    if (number === 6) explainHeader(bytes, row);
    else if (number === 5) row(new Uint8Array(0), JSON.stringify(Buffer.from(bytes).toString()));
    else if (number === 4) row(bytes, '');
    else explainNumbers(number, bytes, row);
  }
  return lines;
}

type Row = (bytes: Uint8Array, meaning: string) => void;

function explainNumbers(stream: number, bytes: Uint8Array, row: Row): void {
  if (stream === 3) {
    for (const byte of bytes) row(Uint8Array.of(byte), `add ${byte}`);
    return;
  }
  const input = read(bytes);
  while (input.left > 0) {
    const before = input.left;
    const value = stream === 1 || stream === 7 ? input.signed() : input.integer();
    const meaning =
      stream === 0
        ? `${value} = 8 × ${Math.floor(value / 8)} + ${value % 8}`
        : stream === 2
          ? `${value} unchanged`
          : `${value < 0 ? '−' : '+'}${Math.abs(value)}`;
    row(bytes.subarray(bytes.length - before, bytes.length - input.left), meaning);
  }
}

function explainHeader(bytes: Uint8Array, row: Row): void {
  const input = read(bytes);
  const step = (meaning: () => string): void => {
    const before = input.left;
    const text = meaning();
    row(bytes.subarray(bytes.length - before, bytes.length - input.left), text);
  };
  let mask = 0;
  step(() => {
    mask = input.integer();
    const names = HEADER_FIELDS.filter((_, bit) => Math.floor(mask / 2 ** bit) % 2 === 1).map(
      ([name]) => name,
    );
    return `mask ${mask}: ${names.join(', ') || 'no field'}`;
  });
  for (const [bit, [name, , length, kind]] of HEADER_FIELDS.entries()) {
    if (Math.floor(mask / 2 ** bit) % 2 === 0) continue;
    step(() => {
      const code = kind === 'raw' ? 0 : input.integer();
      if (code === 0) return `${name}: ${hex(input.take(length))}`;
      if (kind === 'number') {
        const difference = code % 2 === 1 ? (code - 1) / 2 : -code / 2;
        return `${name}: ${difference < 0 ? '−' : '+'}${Math.abs(difference)}`;
      }
      const suffix = input.integer();
      const middle = Buffer.from(input.take(input.integer())).toString();
      return `${name}: ${code - 1} bytes stay, ${JSON.stringify(middle)}, ${suffix} bytes stay`;
    });
  }
}

function hex(bytes: Uint8Array): string {
  return (Buffer.from(bytes).toString('hex').match(/../g) ?? []).join(' ');
}
