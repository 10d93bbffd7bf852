/** Section 7.7.3 of docs/format.md: bitcode, opened and closed. Written from the text alone, all numbers as BigInt. */

const CHARACTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._';
const LIMIT = 1 << 24;

/** The two ways a field goes; both give its number. */
interface Fields {
  /** In bits, from the start of the part. */
  readonly at: number;
  readonly ended: boolean;
  fixed(k: number, expected?: bigint): bigint;
  vbr(k: number, expected?: bigint): bigint;
  char(): void;
  bytes(count: number): void;
  align(): void;
  length(): void;
  endOfBlock(): void;
}

function expect(holds: boolean): asserts holds {
  if (!holds) throw new Error('no bitcode');
}

function zigzag(value: bigint, expected: bigint): bigint {
  expect(value < 1n << 32n);
  const difference = BigInt.asIntN(32, value - expected);
  return difference < 0n ? -2n * difference - 1n : 2n * difference;
}

export function isBitcode(bytes: Uint8Array): boolean {
  return bytes.length >= 12 && Buffer.from(bytes.subarray(0, 4)).toString('hex') === '4243c0de';
}

export function openBitcode(bytes: Buffer): { readonly plain: Buffer; readonly closedBytes: number } {
  expect(isBitcode(bytes));
  let end = 4;
  for (let blocks = 0; ; blocks++) {
    const word = bytes.length - end >= 8 ? bytes.readUInt32LE(end) : 0;
    if (word % 4 !== 1 || word < 2048 || word >= 8192) break;
    expect(blocks < 4096);
    end += 8 + 4 * bytes.readUInt32LE(end + 4);
    expect(end <= bytes.length && end <= LIMIT);
  }
  expect(end > 4);
  const plain: number[] = [];
  const ends: number[] = [];
  let at = 32;
  const bits = (count: number): bigint => {
    expect(at + count <= 8 * end);
    let value = 0n;
    for (let i = 0; i < count; i++, at++) value |= BigInt((bytes[at >> 3]! >> (at & 7)) & 1) << BigInt(i);
    return value;
  };
  const put = (value: bigint) => {
    let rest = value;
    for (; rest >= 128n; rest >>= 7n) plain.push(Number(rest % 128n) + 128);
    plain.push(Number(rest));
  };
  walk({
    get at() {
      return at;
    },
    get ended() {
      return at === 8 * end;
    },
    fixed(k, expected) {
      const value = bits(k);
      put(expected === undefined ? value : zigzag(value, expected));
      return value;
    },
    vbr(k, expected) {
      let value = 0n;
      for (let shift = 0n; ; shift += BigInt(k - 1)) {
        const group = bits(k);
        const isLast = group >> BigInt(k - 1) === 0n;
        expect(!isLast || group > 0n || shift === 0n);
        value |= BigInt.asUintN(k - 1, group) << shift;
        expect(value < 1n << 64n);
        if (isLast) break;
      }
      put(expected === undefined ? value : zigzag(value, expected));
      return value;
    },
    char: () => void plain.push(CHARACTERS.charCodeAt(Number(bits(6)))),
    bytes(count) {
      for (let i = 0; i < count; i++) plain.push(Number(bits(8)));
    },
    align: () => expect(bits(-at & 31) === 0n),
    length() {
      const words = Number(bits(32));
      ends.push(at + 32 * words);
      expect(ends.length === 1 || ends.at(-1)! <= ends.at(-2)!);
    },
    endOfBlock: () => expect(ends.pop() === at),
  });
  expect(plain.length <= LIMIT);
  return { plain: Buffer.from(plain), closedBytes: end };
}

export function closeBitcode(plain: Buffer): Buffer {
  const out: number[] = [];
  const starts: number[] = [];
  let at = 0;
  let read = 0;
  const bits = (value: bigint, count: number) => {
    for (let i = 0; i < count; i++, at++) {
      if (at % 8 === 0) out.push(0);
      out[out.length - 1]! |= Number((value >> BigInt(i)) & 1n) << (at % 8);
    }
  };
  const byte = (): number => {
    expect(read < plain.length);
    return plain[read++]!;
  };
  const take = (expected?: bigint): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const group = byte();
      value |= BigInt(group & 127) << shift;
      expect(value < 1n << 64n && shift < 70n);
      if (group >= 128) continue;
      expect(group > 0 || shift === 0n);
      break;
    }
    if (expected === undefined) return value;
    expect(value < 1n << 32n);
    return BigInt.asUintN(32, expected + (value % 2n === 0n ? value / 2n : -(value + 1n) / 2n));
  };
  bits(0xdec04342n, 32);
  const align = () => bits(0n, -at & 31);
  walk({
    get at() {
      return at;
    },
    get ended() {
      return read === plain.length;
    },
    fixed(k, expected) {
      const value = take(expected);
      expect(value < 1n << BigInt(k));
      bits(value, k);
      return value;
    },
    vbr(k, expected) {
      const value = take(expected);
      const more = 1n << BigInt(k - 1);
      let rest = value;
      for (; rest >= more; rest /= more) bits((rest % more) + more, k);
      bits(rest, k);
      return value;
    },
    char() {
      const place = CHARACTERS.indexOf(String.fromCharCode(byte()));
      expect(place >= 0);
      bits(BigInt(place), 6);
    },
    bytes(count) {
      for (let i = 0; i < count; i++) bits(BigInt(byte()), 8);
    },
    align,
    length() {
      starts.push(at);
      bits(0n, 32);
    },
    endOfBlock() {
      const start = starts.pop()!;
      const words = (at - start - 32) / 32;
      for (let i = 0; i < 4; i++) out[start / 8 + i] = Math.floor(words / 256 ** i) % 256;
    },
  });
  expect(out.length <= LIMIT);
  return Buffer.from(out);
}

type Encoding = 'literal' | 'fixed' | 'vbr' | 'char' | 'array' | 'blob';
interface Operand {
  readonly encoding: Encoding;
  /** A literal's number, or a field's bits. */
  readonly k: bigint;
}

const ENCODINGS: readonly (Encoding | undefined)[] = [undefined, 'fixed', 'vbr', 'array', 'char', 'blob'];

function readOperand(fields: Fields): Operand {
  if (fields.fixed(1) === 1n) return { encoding: 'literal', k: fields.vbr(8) };
  const encoding = ENCODINGS[Number(fields.fixed(3))];
  expect(encoding !== undefined);
  if (encoding !== 'fixed' && encoding !== 'vbr') return { encoding, k: 0n };
  const k = fields.vbr(5);
  if (k === 0n) return { encoding: 'literal', k };
  expect(k <= 32n && (encoding === 'fixed' || k > 1n));
  return { encoding, k };
}

function readDefinition(fields: Fields, count: number): readonly Operand[] {
  const operands: Operand[] = [];
  while (operands.length < count) {
    const operand = readOperand(fields);
    const isElement = operands.at(-1)?.encoding === 'array';
    expect(!isElement || ['fixed', 'vbr', 'char'].includes(operand.encoding));
    operands.push(operand);
    if (operand.encoding === 'array') expect(operands.length === count - 1);
    if (operand.encoding === 'blob') expect(operands.length === count);
  }
  expect(count > 0);
  return operands;
}

interface Block {
  readonly id: bigint;
  readonly width: number;
  readonly abbreviations: (readonly Operand[])[];
}

const NAMED: readonly bigint[] = [7n, 8n, 14n, 15n];
const TOO_LARGE = 1n << 32n;

function walk(fields: Fields): void {
  const blocks: Block[] = [];
  let known = new Map<bigint, (readonly Operand[])[]>();
  let named: bigint | undefined;
  let room = 65_536;
  let nameEnd = 0n;
  let lastPlace = 0n;
  let functions: bigint[] = [];

  /** Follows the operands of one record as they come. */
  const record = (block: bigint) => {
    let index = -1;
    let code = 0n;
    const isName = () => block === 8n && NAMED.includes(code);
    const isPlace = () => block === 14n && code === 3n;
    return {
      expected(): bigint | undefined {
        if (index === 0 && isName()) return nameEnd;
        if (index === 1 && isPlace()) return functions.find((word) => word > lastPlace) ?? 0n;
        return undefined;
      },
      add(value: bigint) {
        if (index === -1) code = value;
        if (index === 0 && isName()) nameEnd = value;
        if (index === 1 && isName()) nameEnd = (nameEnd + value) % TOO_LARGE;
        if ((index === 0 || index === 1) && isName() && value >= TOO_LARGE) nameEnd = 0n;
        if (index === 1 && isPlace()) lastPlace = value < TOO_LARGE ? value : 0n;
        if (index === 0 && block === 0n && code === 1n) {
          expect(value < TOO_LARGE);
          named = value;
        }
        index++;
      },
      end: () => expect(block !== 0n || code !== 1n || index > 0),
    };
  };

  while (blocks.length > 0 || !fields.ended) {
    const block = blocks.at(-1);
    const number = Number(fields.fixed(block?.width ?? 2));
    expect(block !== undefined || number === 1);
    if (number === 0) {
      fields.align();
      fields.endOfBlock();
      blocks.pop();
    } else if (number === 1) {
      const id = fields.vbr(8);
      const width = Number(fields.vbr(4));
      expect(id < TOO_LARGE && width >= 2 && width <= 32 && blocks.length < 32 && block?.id !== 0n);
      const word = BigInt(Math.floor(fields.at / 32));
      if (block === undefined && id === 8n) {
        nameEnd = 0n;
        lastPlace = 0n;
        functions = [];
      }
      if (blocks.length === 1 && block?.id === 8n && id === 12n) functions.push(word);
      if (id === 0n) {
        known = new Map();
        named = undefined;
      }
      fields.align();
      fields.length();
      blocks.push({ id, width, abbreviations: [...(known.get(id) ?? [])] });
    } else if (number === 2) {
      const count = Number(fields.vbr(5));
      room -= count + 1;
      expect(room >= 0);
      const definition = readDefinition(fields, count);
      if (block!.id !== 0n) block!.abbreviations.push(definition);
      else {
        expect(named !== undefined);
        known.set(named, [...(known.get(named) ?? []), definition]);
      }
    } else {
      const follow = record(block!.id);
      if (number === 3) {
        follow.add(fields.vbr(6));
        for (let left = fields.vbr(6); left > 0n; left--) follow.add(fields.vbr(6, follow.expected()));
      } else {
        const abbreviation = block!.abbreviations[number - 4];
        expect(abbreviation !== undefined && block!.id !== 0n);
        readRecord(fields, abbreviation, follow);
      }
      follow.end();
    }
  }
}

function readRecord(
  fields: Fields,
  abbreviation: readonly Operand[],
  follow: { expected(): bigint | undefined; add(value: bigint): void },
): void {
  const scalar = ({ encoding, k }: Operand) => {
    if (encoding === 'literal') return follow.add(k);
    if (encoding === 'fixed') return follow.add(fields.fixed(Number(k), follow.expected()));
    if (encoding === 'vbr') return follow.add(fields.vbr(Number(k), follow.expected()));
    fields.char();
    follow.add(0n);
  };
  for (const [at, operand] of abbreviation.entries()) {
    if (operand.encoding === 'array') {
      for (let left = fields.vbr(6); left > 0n; left--) scalar(abbreviation[at + 1]!);
      return;
    }
    if (operand.encoding !== 'blob') scalar(operand);
    else {
      const count = Number(fields.vbr(6));
      fields.align();
      fields.bytes(count);
      fields.align();
    }
  }
}
