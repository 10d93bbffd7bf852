/**
 * The walk over a tar that arrives as a stream: the very segments that `walkTar` gives, without the bytes ever being in
 * one place. Memory is bounded by one extension and one piece.
 */
import { BLOCK_BYTES } from './block.ts';
import { type GlobalRecords, type HeaderResult, paddedBytes, parseHeader, type TarEntry } from './header.ts';
import { openTarInput, type TarInput } from './input.ts';
import { AFTER_END, type TarSegment } from './walk.ts';

/** Segments come when all their bytes have passed. Never throws for what the bytes are. */
export async function* walkTarStream(source: AsyncIterable<Uint8Array>): AsyncGenerator<TarSegment> {
  const input = openTarInput(source);
  const globals: GlobalRecords = new Map();
  try {
    while (await input.hasMore()) {
      const offset = input.offset();
      const parser = parseHeader(offset, globals);
      let step = parser.next();
      while (!step.done) step = parser.next(await input.take(step.value));
      if (step.value.kind !== 'entry') {
        yield* walkTail(input, offset, step.value);
        return;
      }
      yield* walkEntry(input, offset, step.value.entry);
    }
  } finally {
    await input.close();
  }
}

/** What a header claims may be more than comes. */
async function* walkEntry(input: TarInput, offset: number, claimed: TarEntry): AsyncGenerator<TarSegment> {
  await input.skip(claimed.sizeBytes);
  const sizeBytes = input.offset() - claimed.contentOffset;
  const entry = sizeBytes === claimed.sizeBytes ? claimed : { ...claimed, sizeBytes };
  yield { kind: 'header', offset, sizeBytes: entry.headerBytes, entry };
  if (sizeBytes > 0) yield { kind: 'content', offset: entry.contentOffset, sizeBytes, entry };
  const paddingOffset = input.offset();
  await input.skip(paddedBytes(sizeBytes) - sizeBytes);
  const padding = input.offset() - paddingOffset;
  if (padding > 0) yield { kind: 'padding', offset: paddingOffset, sizeBytes: padding, entry };
}

async function* walkTail(input: TarInput, offset: number, result: HeaderResult): AsyncGenerator<TarSegment> {
  let at = offset;
  if (result.kind === 'end') {
    at = await skipZeros(input, offset + BLOCK_BYTES);
    yield { kind: 'end', offset, sizeBytes: at - offset };
  }
  await input.drain();
  const left = input.offset() - at;
  const reason = result.kind === 'bad' ? result.reason : AFTER_END;
  if (left > 0) yield { kind: 'unknown', offset: at, sizeBytes: left, reason };
}

/** The place of the first byte from `position` on that isn't zero, or the end. */
async function skipZeros(input: TarInput, position: number): Promise<number> {
  for (let at = position; ; ) {
    const piece = await input.takeSome(Number.MAX_SAFE_INTEGER);
    if (piece === undefined) return at;
    const found = piece.findIndex((byte) => byte !== 0);
    if (found >= 0) return at + found;
    at += piece.length;
  }
}
