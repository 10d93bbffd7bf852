/** Instructions of x86-64 by the words of docs/executables.md, whose tables are read as they stand there. */

export interface Found {
  readonly length: number;
  readonly relative: number;
  readonly absolute: number;
  readonly immediate: number;
  readonly branch: number;
  readonly branchBytes: number;
  readonly lea: boolean;
}

const PREFIXES = [0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65];

/** Opcode → its operands; `bad` and `none` are words of their own. */
type Table = ReadonlyMap<number, string>;

/** The tables of the document; every opcode stands in each of them once. */
export function readTables(document: string): readonly [Table, Table] {
  return ['first table', 'second table'].map((title) => {
    const rows = document.split(`| operands | opcodes, ${title} |\n|---|---|\n`)[1]!.split('\n\n')[0]!;
    const table = new Map<number, string>();
    for (const row of rows.trim().split('\n')) {
      const [, operands, opcodes] = row.split('|').map((cell) => cell.trim().replaceAll('`', ''));
      for (const range of opcodes!.split(' ')) {
        const [first, last] = range.split('–').map((each) => Number.parseInt(each, 16));
        for (let opcode = first!; opcode <= (last ?? first!); opcode++) {
          if (table.has(opcode)) throw new Error(`${opcode.toString(16)} stands twice in the ${title}`);
          table.set(opcode, operands!);
        }
      }
    }
    if (table.size !== 256) throw new Error(`the ${title} has ${table.size} opcodes`);
    return table;
  }) as unknown as readonly [Table, Table];
}

export function decodeByDocument([first, second]: readonly [Table, Table], code: Uint8Array): Found {
  const found = {
    length: 1,
    relative: -1,
    absolute: -1,
    immediate: -1,
    branch: -1,
    branchBytes: 0,
    lea: false,
  };
  let at = 0;
  const prefixes: number[] = [];
  while (prefixes.length < 6 && PREFIXES.includes(code[at]!)) prefixes.push(code[at++]!);
  const wide = code[at]! >= 0x40 && code[at]! <= 0x4f && (code[at]! & 8) !== 0;
  if (code[at]! >= 0x40 && code[at]! <= 0x4f) at++;
  const opcode = code[at]!;
  let operands: string;
  if (opcode === 0x0f) {
    const next = code[++at]!;
    if (next === 0x38 || next === 0x3a) at++;
    operands = next === 0x38 ? 'M' : next === 0x3a ? 'M 1' : second.get(next)!;
  } else if (opcode === 0xc5 || opcode === 0xc4 || opcode === 0x62) {
    const map = opcode === 0xc5 ? 1 : code[at + 1]! & (opcode === 0xc4 ? 31 : 7);
    at += opcode === 0xc5 ? 2 : opcode === 0xc4 ? 3 : 4;
    const byTable = second.get(code[at]!)!;
    operands =
      map === 0 ? 'bad' : map === 1 ? (byTable === 'r4' ? 'none' : byTable) : map === 3 ? 'M 1' : 'M';
  } else {
    operands = first.get(opcode)!;
    found.lea = opcode === 0x8d;
  }
  if (operands === 'bad') return found;
  at++;
  let reg = 0;
  const immediate = () => {
    if (!prefixes.includes(0x66)) found.immediate = at;
    at += prefixes.includes(0x66) ? 2 : 4;
  };
  for (const operand of operands === 'none' ? [] : operands.split(' ')) {
    if (operand === 'M') {
      const byte = code[at++]!;
      const [mod, rm] = [byte >> 6, byte & 7];
      reg = (byte >> 3) & 7;
      if (mod !== 3 && rm === 4 && (code[at++]! & 7) === 5 && mod === 0) {
        found.absolute = at;
        at += 4;
      }
      if (mod === 0 && rm === 5) {
        found.relative = at;
        at += 4;
      }
      if (mod === 1) at++;
      if (mod === 2) {
        found.absolute = at;
        at += 4;
      }
    } else if (operand.startsWith('r')) {
      found.branch = at;
      found.branchBytes = Number(operand[1]);
      at += found.branchBytes;
    } else if (
      operand === '4' ||
      (operand === 'B' && !wide) ||
      (operand === 'F' && reg < 2 && opcode === 0xf7)
    )
      immediate();
    else if (operand === 'F') at += reg < 2 ? 1 : 0;
    else if (operand === 'a') at += prefixes.includes(0x67) ? 4 : 8;
    else at += operand === 'B' ? 8 : Number(operand);
  }
  return { ...found, length: at };
}
