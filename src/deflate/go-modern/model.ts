/**
 * The encoder of Go 1.27's compress/flate, which is klauspost/compress from 1.18.2 on, and with its older header
 * from 1.15.10 to 1.18.0; as a streaming model.
 */
import { startFastLevel } from '../../kernels/fast-levels.ts';
import { startLazyChain } from '../../kernels/lazy-chain.ts';
import { startTwoTables } from '../../kernels/two-tables.ts';
import type { ByteSink } from '../bits.ts';
import { cutBlocks } from '../blocks.ts';
import { PrefixCodeBuilder } from '../go-legacy/prefix-code.ts';
import type { DeflateModel } from '../model.ts';
import { type BlockOptions, ModernBlockWriter } from './block-writer.ts';
import { BLOCK_BYTES } from './history.ts';
import { LazyMatcher } from './lazy.ts';
import { LAZY_LEVELS, type LazyLevel, type LazySink } from './lazy-levels.ts';
import { PairMatcher } from './level3.ts';
import { ShortLongMatcher } from './level4.ts';
import { TwoTableMatcher } from './level5.ts';
import type { FastMatcher } from './matcher.ts';
import { SingleTableMatcher } from './single-table.ts';

/** −2: Huffman coding only; 0: stored. */
export const MODERN_LEVELS: readonly number[] = [-2, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

const LITERAL_BLOCK_BYTES = 32768;

export interface ModernModel extends DeflateModel {
  /** After `finish` or a flush, instead of `reset`: a new encoder that has seen `bytes`, to the same output. */
  restart(dictionary: Uint8Array): void;
}

/**
 * Bits of a variant: headers leave out unused symbols (1.18.2 on); level 4 compares elsewhere (Go 1.27); levels 5
 * and 6 do not look at the end of a match, or look at all of it (before 1.15.10); long matches are cut into 255s
 * (before 1.15); tables are filled up and kept longer (before 1.11.13).
 */
export const TRIMS = 1;
export const COMPARES_ELSEWHERE = 2;
export const SKIPS_END = 4;
export const CUTS_SHORT = 8;
export const LOOKS_AT_ALL = 16;
export const FILLS_TABLES = 32;
export const MOST_VARIANT = 63;

/** Level must be one of MODERN_LEVELS, variant a sum of the bits above. */
export function createModernModel(level: number, variant: number, sink: ByteSink): ModernModel {
  const trim = (variant & TRIMS) !== 0;
  const fillsTables = (variant & FILLS_TABLES) !== 0;
  if (level === 0 || level === -2)
    return plainModel(level === 0, { trim, fillsTables, penaltyShift: 10 }, sink);
  const lazy = LAZY_LEVELS.get(level);
  if (lazy !== undefined) return lazyModel(lazy, { trim, fillsTables, penaltyShift: 8 }, sink);
  return fastModel(
    createMatcher(level, variant),
    { trim, fillsTables, penaltyShift: fillsTables ? 6 : 7 },
    sink,
  );
}

function createMatcher(level: number, variant: number): FastMatcher {
  const elsewhere = (variant & COMPARES_ELSEWHERE) !== 0;
  if (level === 1 || level === 2) return startFastLevel(level, false) ?? new SingleTableMatcher(level);
  if (level === 3) return startFastLevel(level, false) ?? new PairMatcher();
  if (level === 4) return startFastLevel(level, elsewhere) ?? new ShortLongMatcher(elsewhere);
  if (level === 5 || level === 6) {
    const options = {
      looksAtEnd: (variant & SKIPS_END) === 0,
      skipped: (variant & LOOKS_AT_ALL) === 0 ? 2 : 0,
      longestPart: (variant & CUTS_SHORT) === 0 ? 258 : 255,
    };
    return startTwoTables(level, options) ?? new TwoTableMatcher(level, options);
  }
  throw new RangeError(`Go 1.27 has no level ${level}`);
}

function fastModel(matcher: FastMatcher, options: BlockOptions, sink: ByteSink): ModernModel {
  const writer = new ModernBlockWriter(options, sink);
  const buffer = new Uint8Array(BLOCK_BYTES);
  const encode = (size: number, sync: boolean) => {
    const count = matcher.encode(buffer, 0, size);
    if (count === 0) writer.stored(buffer, 0, size);
    else if (count > size - (size >> 4)) writer.literalBlock(buffer, 0, size, sync);
    else writer.block(matcher.tokens, count, buffer, 0, size, sync);
  };
  const input = cutBlocks(buffer, 0, BLOCK_BYTES, (size) => encode(size, false));
  const endBlock = () => {
    const size = input.rest();
    if (size >= 128) encode(size, true);
    else if (size > 0) {
      if (size <= 32) writer.stored(buffer, 0, size);
      else writer.literalBlock(buffer, 0, size, true);
      matcher.forget();
    }
  };
  return {
    write: input.write,
    flush() {
      endBlock();
      writer.flush();
    },
    finish() {
      endBlock();
      writer.finish();
    },
    // As the encoder does it: tables keep what can no longer be reached, so that a member of few bytes costs little.
    reset: () => matcher.forget(),
    restart(dictionary) {
      matcher.forget();
      if (dictionary.length > 0) matcher.encode(dictionary, 0, dictionary.length);
    },
  };
}

function lazyModel(level: LazyLevel, options: BlockOptions, sink: ByteSink): ModernModel {
  const writer = new ModernBlockWriter(options, sink);
  const block: LazySink = (tokens, count, buffer, start, end, sync) =>
    writer.block(tokens, count, buffer, start, end, sync);
  const code = new PrefixCodeBuilder(256);
  const weigh = (counts: Int32Array) => {
    code.build(counts, counts.length, 15);
    return code.lengths;
  };
  const matcher = startLazyChain(level, weigh, block) ?? new LazyMatcher(level, block);
  return {
    write: (bytes) => matcher.write(bytes),
    flush() {
      matcher.flush();
      writer.flush();
    },
    finish() {
      matcher.flush();
      writer.finish();
    },
    reset: () => matcher.reset(),
    restart() {
      throw new RangeError('levels 7 to 9 are not modelled with a dictionary');
    },
  };
}

function plainModel(stored: boolean, options: BlockOptions, sink: ByteSink): ModernModel {
  const writer = new ModernBlockWriter(options, sink);
  const blockBytes = stored ? BLOCK_BYTES : LITERAL_BLOCK_BYTES;
  const buffer = new Uint8Array(blockBytes);
  const encode = (size: number, sync: boolean) => {
    if (stored) writer.stored(buffer, 0, size);
    else writer.literalBlock(buffer, 0, size, sync);
  };
  const input = cutBlocks(buffer, 0, blockBytes, (size) => encode(size, false));
  const endBlock = () => {
    const size = input.rest();
    if (size > 0) encode(size, true);
  };
  return {
    write: input.write,
    flush() {
      endBlock();
      writer.flush();
    },
    finish() {
      endBlock();
      writer.finish();
    },
    reset: () => {},
    restart: () => {},
  };
}
