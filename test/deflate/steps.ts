/** Scripts of writes and flushes, and a model following one. */
import type { ByteSink } from '../../src/deflate/bits.ts';
import type { DeflateModel } from '../../src/deflate/model.ts';
import type { Step } from './go-oracle.ts';

/** Writes that add up to `size`, with flushes among them. */
export function randomSteps(size: number, next: () => number): Step[] {
  const steps: Step[] = [];
  const longest = next() % 3 === 0 ? size + 1 : 50_000;
  for (let left = size; left > 0; ) {
    const part = Math.min(left, 1 + (next() % longest));
    steps.push(part);
    if (next() % 3 === 0) steps.push('flush');
    left -= part;
  }
  return steps;
}

/** The stream a model makes of the script, its input cut anew every `cut` bytes. */
export function deflateSteps(
  create: (sink: ByteSink) => DeflateModel,
  plain: Uint8Array,
  steps: readonly Step[],
  cut: number,
): Uint8Array {
  const pieces: Uint8Array[] = [];
  const model = create((piece) => pieces.push(piece.slice()));
  let at = 0;
  for (const step of steps) {
    if (step === 'flush') model.flush();
    else if (typeof step === 'number') {
      for (const end = at + step; at < end; at = Math.min(end, at + cut)) {
        model.write(plain.subarray(at, Math.min(end, at + cut)));
      }
    }
  }
  model.finish();
  return Buffer.concat(pieces);
}
