/** Opens a part of the target: its plain form, and the engine that closes it again, proved byte for byte. */
import { type RandomAccess, readRange, sliceAccess } from '../../bytes/access.ts';
import type { GzipHeader } from '../../deflate/gzip.ts';
import { Inflater } from '../../deflate/inflate.ts';
import { DidiffError } from '../../errors.ts';
import { isBitcode } from '../../nested/bitcode/bitcode.ts';
import type { Choice } from '../../nested/choice.ts';
import type { Form } from '../../nested/forms.ts';
import { listZip } from '../../nested/list-zip.ts';
import { openPart } from '../../nested/open-part.ts';
import { collector } from './collector.ts';
import type { OpenContext } from './context.ts';

export interface TargetPart {
  readonly choice: Choice;
  /** Valid until closed. */
  readonly plain: RandomAccess;
  readonly end: number;
  close(): void;
}

/** Where a part is said to be. */
export interface PartPlace {
  readonly form: Form;
  readonly start: number;
  /** First byte of the DEFLATE stream. */
  readonly dataStart: number;
  /** Bytes of the plain form before the stream's. */
  readonly headerBytes: number;
  /** Bytes behind the stream. */
  readonly trailerBytes: (header: Uint8Array) => number;
  /** Of a gzip member: it tells likely engines. */
  readonly header?: GzipHeader;
}

/** Larger parts are left closed: opening them takes the time and the space of so much more than they are. */
const MAX_PLAIN_BYTES = 512 << 20;

/** Undefined when the part isn't what it seems, or when no engine makes it. */
export function openTarget(
  content: RandomAccess,
  place: PartPlace,
  { engines, tempDirectory, budget, partDepth }: OpenContext,
): TargetPart | undefined {
  const { form, start, dataStart, headerBytes } = place;
  const collected = collector(tempDirectory);
  try {
    const mostBytes = Math.min(MAX_PLAIN_BYTES, budget.left);
    const options = { inflater: new Inflater(), mostBytes, isOpened: () => false };
    const { end } = openPart(content, form, start, options, collected.append);
    const plain = collected.content();
    const first = new Uint8Array(Math.min(headerBytes, plain.sizeBytes));
    plain.readAt(0, first);
    const stream = sliceAccess(content, dataStart, end - dataStart - place.trailerBytes(first));
    const inflated = sliceAccess(plain, headerBytes, plain.sizeBytes - headerBytes);
    const engine = isWorthOpening(stream, inflated)
      ? engines.find(stream, inflated, place.header)
      : undefined;
    if (engine !== undefined && budget.take(plain.sizeBytes, partDepth, form, engine))
      return { choice: { form, engine } as Choice, plain, end, close: collected.close };
  } catch (error) {
    collected.close();
    if (error instanceof DidiffError && error.code === 'CORRUPT_INPUT') return undefined;
    throw error;
  }
  collected.close();
  return undefined;
}

/** What hardly became smaller is matched as well closed as opened, such as pictures, but for archives in archives. */
function isWorthOpening(stream: RandomAccess, plain: RandomAccess): boolean {
  return plain.sizeBytes > 0 && (stream.sizeBytes < plain.sizeBytes * 0.97 || isArchive(plain));
}

/** Whether there is something in it to be opened. */
export function isArchive(content: RandomAccess): boolean {
  return isBitcode(content, 0) || beginsWithGzip(content) || listZip(content) !== undefined;
}

export function beginsWithGzip(content: RandomAccess): boolean {
  if (content.sizeBytes < MIN_GZIP_BYTES) return false;
  const magic = readRange(content, 0, 3, 3);
  return magic[0] === 0x1f && magic[1] === 0x8b && magic[2] === 8;
}

/** A header, an empty stream, a trailer. */
const MIN_GZIP_BYTES = 20;
