/**
 * The walk over a bitstream, block by block and record by record, that carries every field from bits to plain bytes or
 * back (docs/format.md, "Bitcode"). Its time is linear in the bits: what takes none is passed over when it is defined.
 */
import { corrupt } from '../../errors.ts';
import { type Abbreviation, carryAbbreviation, type Scalar } from './abbreviation.ts';
import { type Expectations, startExpectations } from './expect.ts';
import type { Transport } from './transport.ts';

const END_BLOCK = 0;
const ENTER_BLOCK = 1;
const DEFINE_ABBREVIATION = 2;
const UNABBREVIATED = 3;
const FIRST_ABBREVIATION = 4;

const OUTER_WIDTH = 2;
const BLOCK_INFO = 0;
const SET_BLOCK = 1;

/** Blocks in blocks; compilers nest four deep. */
export const MAX_BLOCK_DEPTH = 32;
/** Of all definitions of a part, each counted as one more than it has. */
export const MAX_OPERANDS = 1 << 16;

interface Block {
  readonly id: number;
  readonly width: number;
  /** Those that the block began with: the list may grow while the block is there. */
  readonly inherited: readonly Abbreviation[];
  readonly inheritedCount: number;
  readonly own: Abbreviation[];
}

/** Carries everything behind the magic number. Throws CORRUPT_INPUT for what would not come back. */
export function walkBitstream(transport: Transport): void {
  const expectations = startExpectations(transport);
  const blocks: Block[] = [];
  let known = new Map<number, Abbreviation[]>();
  /** Whose abbreviations the block info block defines. */
  let informed: number | undefined;
  let operandsLeft = MAX_OPERANDS;

  const enter = () => {
    const id = small(transport.vbr(8));
    const width = transport.vbr(4);
    if (width < 2 || width > 32) throw corrupt(`a block has abbreviation numbers of ${width} bits`);
    if (blocks.length === MAX_BLOCK_DEPTH) throw corrupt(`blocks are more than ${MAX_BLOCK_DEPTH} deep`);
    if (blocks.at(-1)?.id === BLOCK_INFO) throw corrupt('a block info block has a block in it');
    if (id === BLOCK_INFO) {
      known = new Map();
      informed = undefined;
    }
    expectations.enter(id, blocks.at(-1)?.id);
    transport.enterBlock();
    const inherited = known.get(id) ?? [];
    blocks.push({ id, width, inherited, inheritedCount: inherited.length, own: [] });
  };
  const define = (block: Block) => {
    const count = transport.vbr(5);
    operandsLeft -= count + 1;
    if (operandsLeft < 0) throw corrupt(`abbreviations have more than ${MAX_OPERANDS} operands`);
    const abbreviation = carryAbbreviation(transport, count);
    if (block.id !== BLOCK_INFO) block.own.push(abbreviation);
    else if (informed === undefined) throw corrupt('an abbreviation is defined for no block');
    else {
      const list = known.get(informed);
      if (list === undefined) known.set(informed, [abbreviation]);
      else list.push(abbreviation);
    }
  };

  while (blocks.length > 0 || !transport.isAtEnd) {
    const block = blocks.at(-1);
    const number = transport.fixed(block?.width ?? OUTER_WIDTH);
    if (number === ENTER_BLOCK) enter();
    else if (block === undefined) throw corrupt('a bitstream has something between its outermost blocks');
    else if (number === END_BLOCK) {
      transport.leaveBlock();
      blocks.pop();
    } else if (number === DEFINE_ABBREVIATION) define(block);
    else if (number === UNABBREVIATED) {
      const first = carryUnabbreviated(transport, block.id, expectations);
      if (block.id === BLOCK_INFO && first !== undefined) informed = small(first);
    } else carryAbbreviated(transport, block.id, findAbbreviation(block, number), expectations);
  }
}

/** The number of a block. Larger ones are not exact. */
function small(value: number): number {
  if (value >= 2 ** 32) throw corrupt(`there is no block ${value}`);
  return value;
}

function findAbbreviation({ id, inherited, inheritedCount, own }: Block, number: number): Abbreviation {
  const at = number - FIRST_ABBREVIATION;
  const found = at < inheritedCount ? inherited[at] : own[at - inheritedCount];
  if (found === undefined || id === BLOCK_INFO) throw corrupt(`a block has no abbreviation ${number}`);
  return found;
}

/** Gives the block that a record of a block info block sets, if it does. */
function carryUnabbreviated(
  transport: Transport,
  block: number,
  expectations: Expectations,
): number | undefined {
  const code = transport.vbr(6);
  const count = transport.vbr(6);
  const expects = expectations.begin(block, code);
  if (!expects && block !== BLOCK_INFO) {
    transport.vbrs(count, 6);
    return undefined;
  }
  let first: number | undefined;
  for (let i = 0; i < count; i++) {
    const value = transport.vbr(6, expects ? expectations.next(i) : undefined);
    if (expects) expectations.note(i, value);
    if (i === 0) first = value;
  }
  if (block !== BLOCK_INFO || code !== SET_BLOCK) return undefined;
  if (first === undefined) throw corrupt('a block info block sets no block');
  return first;
}

function carryAbbreviated(
  transport: Transport,
  block: number,
  abbreviation: Abbreviation,
  expectations: Expectations,
): void {
  /** Operands so far; the first is the record's code. */
  let count = -1;
  let expects = false;
  const note = (value: number) => {
    if (count === -1) expects = expectations.begin(block, value);
    else if (expects) expectations.note(count, value);
    count++;
  };
  for (const operand of abbreviation) {
    if (operand.kind === 'literal') note(operand.value);
    else if (operand.kind === 'blob') transport.blob(transport.vbr(6));
    else if (operand.kind !== 'array')
      note(carryScalar(transport, operand, expects ? expectations.next(count) : undefined));
    else if (count >= 0 && !expects && operand.of.kind === 'vbr')
      transport.vbrs(transport.vbr(6), operand.of.width);
    else
      for (let left = transport.vbr(6); left > 0; left--)
        note(carryScalar(transport, operand.of, expects ? expectations.next(count) : undefined));
  }
}

function carryScalar(transport: Transport, scalar: Scalar, expected: number | undefined): number {
  if (scalar.kind === 'fixed') return transport.fixed(scalar.width, expected);
  if (scalar.kind === 'vbr') return transport.vbr(scalar.width, expected);
  transport.char6();
  return 0;
}
