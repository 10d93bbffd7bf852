/**
 * Go's compress/flate from 1.8 to 1.26 at each of its levels, as a streaming model: the same bytes for the same
 * input, flushes at the same places.
 */
import { startFastMatch } from '../../kernels/fast-match.ts';
import { startHashChain } from '../../kernels/hash-chain.ts';
import type { ByteSink } from '../bits.ts';
import { cutBlocks } from '../blocks.ts';
import type { DeflateModel } from '../model.ts';
import { LegacyBlockWriter } from './block-writer.ts';
import { FAST_BLOCK_BYTES, FastMatch } from './fast-match.ts';
import { type BlockSink, CHAIN_LEVELS, type ChainLevel, HashChain } from './hash-chain.ts';

/** −2: Huffman coding only; 0: stored; 1: fast; 2 to 9: hash chains. Go's −1 is 6. */
export const LEGACY_LEVELS: readonly number[] = [-2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/** Level must be one of LEGACY_LEVELS. */
export function createLegacyModel(level: number, sink: ByteSink): DeflateModel {
  const chain = CHAIN_LEVELS.get(level);
  if (chain !== undefined) return chainModel(chain, sink);
  if (level === 1) return fastModel(sink);
  if (level === 0 || level === -2) return plainModel(level === 0, sink);
  throw new RangeError(`Go has no level ${level}`);
}

/** How much io.Copy hands to the encoder at a time; where a write ends decides, rarely, when the window slides. */
const WRITE_BYTES = 32768;

function chainModel(level: ChainLevel, sink: ByteSink): DeflateModel {
  const writer = new LegacyBlockWriter(sink);
  const block: BlockSink = (tokens, count, buffer, start, end) =>
    writer.block(tokens, count, buffer, start, end);
  const matcher = startHashChain(level, block) ?? new HashChain(level, block);
  let untilStep = 0;
  const end = (isFinal: boolean) => {
    matcher.run(true);
    writer.marker(isFinal);
    untilStep = 0;
  };
  return {
    write(bytes) {
      for (let at = 0; at < bytes.length; ) {
        if (untilStep === 0) {
          matcher.run(false);
          untilStep = WRITE_BYTES;
        }
        const count = matcher.fill(bytes, at, Math.min(bytes.length, at + untilStep));
        at += count;
        untilStep -= count;
        // Only a full buffer takes less than it is given; it makes room by matching.
        if (at < bytes.length && untilStep > 0) matcher.run(false);
      }
    },
    flush: () => end(false),
    finish: () => end(true),
    reset() {
      matcher.reset();
      untilStep = 0;
    },
  };
}

function fastModel(sink: ByteSink): DeflateModel {
  const writer = new LegacyBlockWriter(sink);
  const matcher = startFastMatch() ?? new FastMatch();
  const { buffer } = matcher;
  const start = FastMatch.START;
  const encode = (size: number) => {
    const count = matcher.match(size);
    // After matching, the block lies before the place where the next one goes.
    if (count > size - (size >> 4)) writer.literalBlock(buffer, start - size, start);
    else writer.fastBlock(matcher.tokens, count, buffer, start - size, start);
  };
  const input = cutBlocks(buffer, start, FAST_BLOCK_BYTES, encode);
  const end = (isFinal: boolean) => {
    const size = input.rest();
    if (size >= 128) encode(size);
    else if (size > 0) {
      if (size <= 16) writer.stored(buffer, start, start + size);
      else writer.literalBlock(buffer, start, start + size);
      matcher.forget();
    }
    writer.marker(isFinal);
  };
  return {
    write: input.write,
    flush: () => end(false),
    finish: () => end(true),
    // As the encoder does it, without clearing its table.
    reset: () => matcher.forget(),
  };
}

function plainModel(stored: boolean, sink: ByteSink): DeflateModel {
  const writer = new LegacyBlockWriter(sink);
  const buffer = new Uint8Array(FAST_BLOCK_BYTES);
  const encode = (size: number) => {
    if (stored) writer.stored(buffer, 0, size);
    else writer.literalBlock(buffer, 0, size);
  };
  const input = cutBlocks(buffer, 0, FAST_BLOCK_BYTES, encode);
  const end = (isFinal: boolean) => {
    const size = input.rest();
    if (size > 0) encode(size);
    writer.marker(isFinal);
  };
  return { write: input.write, flush: () => end(false), finish: () => end(true), reset: () => {} };
}
