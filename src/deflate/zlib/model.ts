/** zlib, GNU gzip and Node's bundled zlib at levels 1 to 9, as a streaming model. */
import { startZlibChain } from '../../kernels/zlib-chain.ts';
import type { ByteSink } from '../bits.ts';
import type { DeflateModel } from '../model.ts';
import { ZlibBlockWriter } from './block-writer.ts';
import { type BlockSink, type MatcherOptions, ZLIB_LEVELS, ZlibMatcher } from './matcher.ts';

/** 0: zlib with memLevel 8; 1: zlib with memLevel 9; 2: GNU gzip; 3: Chromium's fork (Node). */
export const ZLIB_FLAVOURS: readonly number[] = [0, 1, 2, 3];

export interface ZlibModel extends DeflateModel {
  /** Ends the block without a marker; nothing follows in this stream but `marker`, `emptyFixed` or `restart`. */
  endBlock(): void;
  marker(): void;
  emptyFixed(): void;
  readonly openBits: number;
  /** Begins anew with the bytes before as dictionary, to the same output. */
  restart(dictionary: Uint8Array): void;
}

/** Level is 1 to 9. */
export function createZlibModel(level: number, flavour: number, sink: ByteSink): ZlibModel {
  const options = matcherOptions(level, flavour);
  const writer = new ZlibBlockWriter(sink);
  const block: BlockSink = (tokens, count, buffer, start, end, isFinal) =>
    writer.block(tokens, count, buffer, start, end, isFinal);
  const matcher = startZlibChain(options, block) ?? new ZlibMatcher(options, block);
  return {
    write: (bytes) => matcher.write(bytes),
    flush() {
      matcher.flush(false);
      writer.marker();
    },
    finish: () => matcher.flush(true),
    reset: () => matcher.reset(new Uint8Array(0)),
    endBlock: () => matcher.flush(false),
    marker: () => writer.marker(),
    emptyFixed: () => writer.emptyFixed(),
    get openBits() {
      return writer.openBits;
    },
    restart: (dictionary) => matcher.reset(dictionary),
  };
}

/** What sets the flavours apart. */
export function matcherOptions(levelNumber: number, flavour: number): MatcherOptions {
  const level = ZLIB_LEVELS[levelNumber];
  if (level === undefined || !ZLIB_FLAVOURS.includes(flavour)) {
    throw new RangeError(`zlib has no level ${levelNumber} of flavour ${flavour}`);
  }
  if (flavour === 2) {
    const weighsBlocks = levelNumber > 2;
    return { level, hash: 'rolling15', blockTokens: 0x7fff, weighsBlocks, looksBeyond: true };
  }
  const hash = flavour === 3 ? 'multiplied' : flavour === 1 ? 'rolling16' : 'rolling15';
  const blockTokens = flavour === 1 ? 0x7fff : 0x3fff;
  return { level, hash, blockTokens, weighsBlocks: false, looksBeyond: false };
}
