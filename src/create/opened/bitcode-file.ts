/** Writes a file of LLVM bitcode, opened and matched against its earlier version, and what stands around the bitcode. */
import { bytesAccess, type RandomAccess, readRange, sliceAccess } from '../../bytes/access.ts';
import { DidiffError } from '../../errors.ts';
import { closeBitcode, isBitcode, openBitcode } from '../../nested/bitcode/bitcode.ts';
import { FORM_BITCODE } from '../../nested/forms.ts';
import { readUint32 } from '../../nested/little-endian.ts';
import type { Part } from '../part-table.ts';
import type { ProgramWriter } from '../program.ts';
import { writeChangedFile } from '../write-file.ts';
import type { OpenContext, WriteContent } from './context.ts';
import type { TargetPart } from './open-target.ts';
import { writePart } from './write-part.ts';

const WRAPPER_MAGIC = 0x0b17c0de;
/** Magic number, version, offset of the bitcode, its size, kind of processor. */
const WRAPPER_BYTES = 20;
const WRAPPER_OFFSET = 8;

/** Where bitcode begins in a file: at once, or behind a wrapper; undefined when it has none. */
export function findBitcode(content: RandomAccess): number | undefined {
  if (isBitcode(content, 0)) return 0;
  if (content.sizeBytes < WRAPPER_BYTES) return undefined;
  const wrapper = readRange(content, 0, WRAPPER_BYTES, WRAPPER_BYTES);
  if (readUint32(wrapper, 0) !== WRAPPER_MAGIC) return undefined;
  const start = readUint32(wrapper, WRAPPER_OFFSET);
  return start >= WRAPPER_BYTES && isBitcode(content, start) ? start : undefined;
}

/** `start` is where the bitcode begins in `content`. */
export async function writeBitcode(
  writer: ProgramWriter,
  content: RandomAccess,
  start: number,
  earlier: Part | undefined,
  context: OpenContext,
  write: WriteContent,
): Promise<void> {
  const plainly = async (from: number, to: number) => {
    if (to > from)
      await writeChangedFile(writer, sliceAccess(content, from, to - from), context.match, earlier);
  };
  const part = openTargetBitcode(content, start, context);
  if (part === undefined) return await plainly(0, content.sizeBytes);
  await plainly(0, start);
  const view = earlier && findView(earlier, context);
  await writePart(writer, part, part.end - start, 0, view && { view, headerBytes: 0 }, context, write);
  await context.match.tick(part.end - start);
  await plainly(part.end, content.sizeBytes);
}

function findView(earlier: Part, { views }: OpenContext) {
  const start = findBitcode(sliceAccess(views.space, earlier.address, earlier.sizeBytes));
  if (start === undefined) return undefined;
  const view = views.find(FORM_BITCODE, earlier.address + start);
  return view !== undefined && view.end <= earlier.address + earlier.sizeBytes ? view : undefined;
}

/** Undefined when it isn't bitcode as it seems, or would not come back bit for bit. */
function openTargetBitcode(
  content: RandomAccess,
  start: number,
  { budget, partDepth }: OpenContext,
): TargetPart | undefined {
  const pieces: Uint8Array[] = [];
  try {
    const { end } = openBitcode(content, start, budget.left, (piece) => pieces.push(Uint8Array.from(piece)));
    const plain = Buffer.concat(pieces);
    if (!comesBack(plain, sliceAccess(content, start, end - start))) return undefined;
    if (!budget.take(plain.length, partDepth, FORM_BITCODE, undefined)) return undefined;
    return { choice: { form: FORM_BITCODE }, plain: bytesAccess(plain), end, close: () => {} };
  } catch (error) {
    if (error instanceof DidiffError && error.code === 'CORRUPT_INPUT') return undefined;
    throw error;
  }
}

function comesBack(plain: Uint8Array, closed: RandomAccess): boolean {
  let isSame = false;
  const closer = closeBitcode((bytes) => {
    isSame = Buffer.compare(bytes, readRange(closed, 0, closed.sizeBytes, closed.sizeBytes)) === 0;
  });
  closer.write(plain);
  closer.finish();
  return isSame;
}
