/** Abbreviations: how the operands of records are laid out in bits, as bitstreams define them for themselves. */
import { corrupt } from '../../errors.ts';
import type { Transport } from './transport.ts';

export type Scalar = { readonly kind: 'fixed' | 'vbr'; readonly width: number } | { readonly kind: 'char6' };

export type Operand = Scalar | Plain | { readonly kind: 'array'; readonly of: Scalar };

type Plain = { readonly kind: 'literal'; readonly value: number } | { readonly kind: 'blob' };

/** Operands as they are stored; those that take no bits at all are literals. */
export type Abbreviation = readonly Operand[];

const ENCODING_FIXED = 1;
const ENCODING_VBR = 2;
const ENCODING_ARRAY = 3;
const ENCODING_CHAR6 = 4;
const ENCODING_BLOB = 5;

const MAX_WIDTH = 32;

/** Carries the `count` operands of a definition. Throws CORRUPT_INPUT for what no record could be read with. */
export function carryAbbreviation(transport: Transport, count: number): Abbreviation {
  if (count === 0) throw corrupt('an abbreviation has no operands');
  const operands: Operand[] = [];
  for (let i = 0; i < count; i++) {
    const operand = carryOperand(transport);
    if (operand !== 'array') operands.push(operand);
    else {
      const of = i === count - 2 ? carryOperand(transport) : undefined;
      if (of === undefined || of === 'array' || of.kind === 'literal' || of.kind === 'blob')
        throw corrupt('an abbreviation has an array without scalar elements at its end');
      operands.push({ kind: 'array', of });
      break;
    }
    if (operand.kind === 'blob' && i !== count - 1) throw corrupt('an abbreviation goes on behind a blob');
  }
  return operands;
}

function carryOperand(transport: Transport): Scalar | Plain | 'array' {
  if (transport.fixed(1) === 1) return { kind: 'literal', value: transport.vbr(8) };
  const encoding = transport.fixed(3);
  if (encoding === ENCODING_ARRAY) return 'array';
  if (encoding === ENCODING_CHAR6) return { kind: 'char6' };
  if (encoding === ENCODING_BLOB) return { kind: 'blob' };
  if (encoding !== ENCODING_FIXED && encoding !== ENCODING_VBR)
    throw corrupt(`an abbreviation has an operand of encoding ${encoding}`);
  const width = transport.vbr(5);
  if (width === 0) return { kind: 'literal', value: 0 };
  const kind = encoding === ENCODING_FIXED ? 'fixed' : 'vbr';
  if (width > MAX_WIDTH || (kind === 'vbr' && width === 1))
    throw corrupt(`an abbreviation has a ${kind} operand of ${width} bits`);
  return { kind, width };
}
