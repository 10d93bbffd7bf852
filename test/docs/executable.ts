/**
 * Section 7.5 of docs/format.md. What an executable is predicted to be is docs/executables.md's to say, and here, alone
 * in this decoder, didiff's own code says it: a second implementation of that text is not part of it.
 */
import { bytesAccess } from '../../src/bytes/access.ts';
import { openElfPredictor, STEP_BYTES } from '../../src/predict/elf/predictor.ts';

/** An op within an executable, and where it reads. */
export interface ExecutableOp {
  readonly code: number;
  readonly length: number;
  source: number;
}

/**
 * Gives the `length` bytes that `ops` make: predicted regions from `old`, which stands at `address`, with `change` adding
 * the differences; all others from `make`. What the predictor asks to have corrected are parts of one run.
 */
export function predictExecutable(
  old: Uint8Array,
  address: number,
  length: number,
  ops: readonly ExecutableOp[],
  make: (op: ExecutableOp) => Uint8Array,
  change: (region: Uint8Array) => void,
): Uint8Array {
  const isPredicted = ({ code, source, length: bytes }: ExecutableOp) =>
    code === 0 && source >= address && source + bytes <= address + old.length;
  let newStart = 0;
  const regions = ops.flatMap((op) => {
    const region = { newStart, oldStart: op.source - address, length: op.length };
    newStart += op.length;
    return isPredicted(op) ? [region] : [];
  });
  const predictor = openElfPredictor(bytesAccess(old), regions, length);
  const step = new Uint8Array(STEP_BYTES);
  const file = Buffer.alloc(length);
  let at = 0;
  let index = 0;
  for (const op of ops) {
    if (predictor === undefined || !isPredicted(op)) {
      const bytes = make(op);
      file.set(bytes, at);
      predictor?.literal(at, bytes);
    } else {
      predictor.startRegion(index++);
      for (let done = 0; done < op.length; ) {
        const count = predictor.step(step, (from, to) => change(step.subarray(from, to)));
        file.set(step.subarray(0, count), at + done);
        done += count;
      }
    }
    at += op.length;
  }
  return file;
}
