/**
 * Makes one executable from the one it was before: all its ops are read first, because what moved where tells what the
 * addresses in the code become; then the regions of the old file are predicted, corrected and handed out in their order
 * (docs/format.md, "Executables"). Memory is bounded by the number of ops, whatever they say.
 */
import { type RandomAccess, sliceAccess } from '../bytes/access.ts';
import { corrupt } from '../errors.ts';
import type { Region } from '../kernels/match.ts';
import { MAX_EXECUTABLE_OPS, OP_REGION } from '../patch/format.ts';
import { type ElfPredictor, openElfPredictor, STEP_BYTES } from '../predict/elf/predictor.ts';
import type { Differ } from './differ.ts';
import type { Fill, Op, OpReader } from './ops.ts';
import { emit, type OutputBuffer } from './output-buffer.ts';

/** `whole` is the op that announced it; the ops that make it follow in `ops`. Throws CORRUPT_INPUT. */
export async function* runExecutable(
  whole: Op,
  ops: OpReader,
  base: RandomAccess,
  differences: Differ,
  fill: Fill,
  out: OutputBuffer,
): AsyncGenerator<Uint8Array> {
  const inner = await readOps(whole.length, ops);
  const regions = predictedRegions(whole, inner);
  const old = sliceAccess(base, whole.source, whole.sourceBytes);
  const predictor = openElfPredictor(old, regions, whole.length);
  const buffer = new Uint8Array(STEP_BYTES);
  let start = 0;
  let region = 0;
  try {
    for (const op of inner) {
      if (predictor !== undefined && isPredicted(whole, op)) {
        predictor.startRegion(region++);
        yield* emitPredicted(op.length, predictor, differences, buffer, out);
      } else {
        yield* emit(out, op.length, (part, at) => {
          const filling = fill(op, part, at);
          if (filling !== undefined) return filling.then(() => predictor?.literal(start + at, part));
          predictor?.literal(start + at, part);
          return undefined;
        });
      }
      start += op.length;
    }
  } finally {
    predictor?.close();
  }
}

async function readOps(length: number, ops: OpReader): Promise<readonly Op[]> {
  const inner: Op[] = [];
  for (let left = length; left > 0; ) {
    if (inner.length === MAX_EXECUTABLE_OPS)
      throw corrupt(`an executable is made by more than ${MAX_EXECUTABLE_OPS} ops`);
    const soon = ops.nextInside(left);
    const op = soon instanceof Promise ? await soon : soon;
    inner.push(op);
    left -= op.length;
  }
  return inner;
}

/** Whether all that the op reads is of the old file. */
function isPredicted({ source, sourceBytes }: Op, op: Op): boolean {
  return op.code === OP_REGION && op.source >= source && op.source + op.length <= source + sourceBytes;
}

function predictedRegions(whole: Op, inner: readonly Op[]): readonly Region[] {
  const regions: Region[] = [];
  let newStart = 0;
  for (const op of inner) {
    if (isPredicted(whole, op))
      regions.push({ newStart, oldStart: op.source - whole.source, length: op.length });
    newStart += op.length;
  }
  return regions;
}

async function* emitPredicted(
  length: number,
  predictor: ElfPredictor,
  differences: Differ,
  buffer: Uint8Array,
  out: OutputBuffer,
): AsyncGenerator<Uint8Array> {
  const correct = (from: number, to: number) => differences.correct(buffer, from, to);
  for (let done = 0; done < length; ) {
    const preparing = differences.prepare(Math.min(STEP_BYTES, length - done));
    if (preparing !== undefined) await preparing;
    const count = predictor.step(buffer, correct);
    for (let at = 0; at < count; ) {
      if (out.free === 0) yield out.flush();
      const part = out.take(Math.min(out.free, count - at));
      part.set(buffer.subarray(at, at + part.length));
      at += part.length;
    }
    done += count;
  }
}
