/** zlib, GNU gzip and Node's bundled zlib at levels 1 to 9, as a streaming model. */
import type { ByteSink } from '../bits.ts';
import { DISTANCE_EXTRA, distanceSymbol, FIRST_MATCH } from '../codes.ts';
import type { DeflateModel } from '../model.ts';
import { ZlibBlockWriter } from './block-writer.ts';
import { multipliedHash, rollingHash } from './hash.ts';
import { type MatcherOptions, ZLIB_LEVELS, ZlibMatcher } from './matcher.ts';

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
  const matcher = new ZlibMatcher(options, (tokens, count, buffer, start, end, isFinal) =>
    writer.block(tokens, count, buffer, start, end, isFinal),
  );
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

function matcherOptions(levelNumber: number, flavour: number): MatcherOptions {
  const level = ZLIB_LEVELS[levelNumber];
  if (level === undefined || !ZLIB_FLAVOURS.includes(flavour)) {
    throw new RangeError(`zlib has no level ${levelNumber} of flavour ${flavour}`);
  }
  if (flavour === 2) {
    const endsBlock = levelNumber > 2 ? endsGnuBlock : (_: Uint32Array, count: number) => count === 0x7fff;
    const hash = { hash: rollingHash(15), hashBits: 15, hashBytes: 3 };
    return { level, ...hash, endsBlock, looksBeyond: true, mostTokens: 0x8000 };
  }
  const most = flavour === 1 ? 0x7fff : 0x3fff;
  const endsBlock = (_: Uint32Array, count: number) => count === most;
  const base = { level, endsBlock, looksBeyond: false, mostTokens: most + 1 };
  if (flavour === 3) return { ...base, hash: multipliedHash, hashBits: 15, hashBytes: 4 };
  const hashBits = flavour === 1 ? 16 : 15;
  return { ...base, hash: rollingHash(hashBits), hashBits, hashBytes: 3 };
}

/** GNU gzip looks after every 4096 tokens whether ending the block pays, by an upper bound of its size. */
function endsGnuBlock(tokens: Uint32Array, count: number, plainBytes: number): boolean {
  if ((count & 0xfff) === 0) {
    let bits = count * 8;
    let matches = 0;
    for (let index = 0; index < count; index++) {
      const token = tokens[index]!;
      if (token < FIRST_MATCH) continue;
      matches++;
      bits += 5 + DISTANCE_EXTRA[distanceSymbol(token & 0xffff)]!;
    }
    if (matches < count >> 1 && bits >>> 3 < plainBytes >> 1) return true;
  }
  return count === 0x7fff;
}
