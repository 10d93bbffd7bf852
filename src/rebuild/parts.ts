/**
 * Closes parts on their way through a layer: plain bytes come from the ops, the bytes as they stand in the file go on
 * (docs/format.md, "Parts"). What entries came to is remembered for the directory behind them.
 */

import { type HeldOutput, holdOutput } from '../deflate/held-output.ts';
import { corrupt } from '../errors.ts';
import { closeBitcode } from '../nested/bitcode/bitcode.ts';
import type { Choice } from '../nested/choice.ts';
import { closePart, type Deflater, openDeflater, type PartCloser } from '../nested/close-part.ts';
import { closedDirectory } from '../nested/directory.ts';
import { FORM_BITCODE, FORM_DIRECTORY, FORM_STRINGS, MAX_REMEMBERED_ENTRIES } from '../nested/forms.ts';
import { closeStrings } from '../nested/strings/close-strings.ts';
import type { Sums } from '../nested/zip.ts';
import type { Op } from './ops.ts';

/** Gives the closed bytes of the part that `op` makes at `start` of what it lies in. `plain` is of just its length. */
export type ClosePart = (
  op: Op,
  start: number,
  plain: AsyncIterable<Uint8Array>,
) => AsyncGenerator<Uint8Array>;

/** What parts that lie one after the other at one depth leave to each other: memory that takes long to be made anew. */
export interface PartTools {
  /** The engine that closed the last part: mostly it closes the next one too. */
  engine?: { readonly choice: Choice; readonly deflater: Deflater };
  output?: HeldOutput;
  /** Where plain bytes are made. */
  memory?: Uint8Array;
}

/**
 * For the parts that lie side by side in one layer or part; of these only one is closed at a time, so that all at that depth
 * may have the same `tools`.
 */
export function partCloser(tools: PartTools): ClosePart {
  /** By their start. */
  const entries = new Map<number, Sums>();
  const open = (op: Op, start: number, sink: (piece: Uint8Array) => void): PartCloser => {
    if (op.part === undefined) throw corrupt(`the op at ${start} is no part`);
    const { choice, back } = op.part;
    if (!('engine' in choice)) {
      if (choice.form === FORM_BITCODE) return closeBitcode(sink);
      if (choice.form === FORM_STRINGS) return closeStrings(sink);
      return closedDirectory((offset) => entries.get(start - back + offset), back, sink);
    }
    const last = tools.engine;
    const deflater = last?.choice === choice ? last.deflater : openDeflater(choice.engine);
    tools.engine = { choice, deflater };
    return closePart(choice.form, deflater, sink, (sums) => {
      if (entries.size < MAX_REMEMBERED_ENTRIES) entries.set(start, sums);
    });
  };
  return async function* (op, start, plain) {
    const output = outputFor(op, tools);
    const closer = open(op, start, output.sink);
    for await (const bytes of plain) {
      // In steps, so that what waits to be handed out stays small.
      for (let at = 0; at < bytes.length; at += STEP_BYTES) {
        closer.write(bytes.subarray(at, at + STEP_BYTES));
        const made = output.take();
        if (made.length > 0) yield made;
      }
    }
    closer.finish();
    const rest = output.take();
    if (rest.length > 0) yield rest;
    if (op.part?.choice.form !== FORM_DIRECTORY) return;
    // Those of an archive that this one is stored in, if it is, are still wanted.
    for (const entry of entries.keys()) if (entry >= start - op.part.back) entries.delete(entry);
  };
}

/** Bitcode comes as one piece, which may be large: that is not kept. */
function outputFor({ part }: Op, tools: PartTools): HeldOutput {
  if (part?.choice.form === FORM_BITCODE) return holdOutput(0);
  tools.output ??= holdOutput();
  return tools.output;
}

const STEP_BYTES = 1 << 16;
