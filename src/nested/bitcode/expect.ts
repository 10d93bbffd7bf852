/**
 * Operands that follow from where things stand in a module of bitcode: what is expected of them is left out of the plain
 * form, as they would change with everything before them (docs/format.md, "Bitcode").
 */
import type { Transport } from './transport.ts';

export interface Expectations {
  /** A block of this number begins: its number and its width were carried, and no more of it. */
  enter(id: number, outerId: number | undefined): void;
  /** A record begins; whether anything is expected of its operands. */
  begin(block: number, code: number): boolean;
  /** What is expected of operand `index`, below 2^32; undefined when nothing is. */
  next(index: number): number | undefined;
  note(index: number, value: number): void;
}

const MODULE = 8;
const FUNCTION = 12;
const SYMBOLS = 14;

/** Records of the module that begin with the place and length of a name: variables, functions, aliases, ifuncs. */
const NAMED: ReadonlySet<number> = new Set([7, 8, 14, 15]);
/** Of the symbols: a function, and where its body is. */
const FUNCTION_PLACE = 3;

export function startExpectations(transport: Transport): Expectations {
  /** Words before the functions of the module. */
  let functions: number[] = [];
  let nameEnd = 0;
  let lastPlace = 0;
  let kind: 'name' | 'place' = 'name';

  const functionBehind = (place: number): number => {
    let low = 0;
    let high = functions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (functions[middle]! > place) high = middle;
      else low = middle + 1;
    }
    return functions[low] ?? 0;
  };
  return {
    enter(id, outerId) {
      if (id === MODULE && outerId === undefined) {
        functions = [];
        nameEnd = 0;
        lastPlace = 0;
      }
      if (id === FUNCTION && outerId === MODULE) functions.push(transport.words);
    },
    begin(block, code) {
      if (block === MODULE && NAMED.has(code)) kind = 'name';
      else if (block === SYMBOLS && code === FUNCTION_PLACE) kind = 'place';
      else return false;
      return true;
    },
    next(index) {
      if (kind === 'name') return index === 0 ? nameEnd : undefined;
      return index === 1 ? functionBehind(lastPlace) : undefined;
    },
    note(index, value) {
      if (kind === 'name' && index < 2)
        nameEnd = value >= 2 ** 32 ? 0 : ((index === 0 ? 0 : nameEnd) + value) % 2 ** 32;
      if (kind === 'place' && index === 1) lastPlace = value < 2 ** 32 ? value : 0;
    },
  };
}
