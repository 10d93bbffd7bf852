/**
 * Which engines may have made a blob, the likeliest first, judged by its gzip header, how its first block and its
 * stream end, and where it was flushed. This only saves time: whatever is chosen is proved by a full replay.
 */

import type { Ending } from './ending.ts';
import { type EngineChoice, goLegacy, goModern, pgzip, pigz, zlib } from './engines.ts';
import type { FirstBlock } from './fingerprint.ts';
import { PGZIP_LEVELS } from './go-modern/pgzip.ts';
import type { GzipHeader } from './gzip.ts';

/** What pgzip writes for a time that was not set. */
const PGZIP_MTIME = 0x886e0900;
const PGZIP_BLOCKS: readonly number[] = [1 << 20, 1 << 18];
const PIGZ_BLOCKS: readonly number[] = [1 << 17];
const LEAST_BLOCK = 1 << 15;
const LARGEST_BLOCK = 1 << 24;

/** What is known of a blob before anything is tried. */
export interface Evidence {
  readonly header: GzipHeader;
  readonly first: FirstBlock;
  readonly ending: Ending;
  /** Plain offsets of empty blocks, rising, as far as they are known. */
  readonly breaks: readonly number[];
}

/** Variants of Go 1.27's encoder and its forerunner that differ at this level. */
function variantsOf(level: number): number[] {
  if (level === 5 || level === 6) return [1, 0, 16, 24, 44, 12, 56];
  return level === 4 ? [3, 0, 1, 2] : [1, 0];
}

type Family = (level: number) => EngineChoice[];

const legacy: Family = (level) => [goLegacy(level)];
const modern: Family = (level) => variantsOf(level).map((variant) => goModern(level, variant));
const zlibs: Family = (level) => (level < 1 ? [] : [0, 2, 3, 1].map((flavour) => zlib(level, flavour)));

function parallel(blocks: readonly number[]): Family {
  return (level) =>
    PGZIP_LEVELS.includes(level)
      ? blocks.flatMap((block) => variantsOf(level).map((variant) => pgzip(level, variant, block)))
      : [];
}

function pigzes(blocks: readonly number[]): Family {
  return (level) =>
    level < 1 ? [] : blocks.flatMap((block) => [0, 1].map((alone) => pigz(level, 0, block, alone)));
}

export function listCandidates(evidence: Evidence): EngineChoice[] {
  const likely = likelyLevels(evidence);
  const levels = [...new Set([...likely, 6, 1, 9, 5, 2, 3, 4, 7, 8, -2, 0])];
  const candidates = familiesOf(evidence).flatMap((family) => levels.flatMap(family));
  // The likeliest levels of every family come before the others of any.
  const isLikely = (choice: EngineChoice) => likely.includes(levelOf(choice));
  return [...candidates.filter(isLikely), ...candidates.filter((choice) => !isLikely(choice))].filter(
    (choice) => fits(choice, evidence.first),
  );
}

/** The header tells best and fastest compression from the rest, for which 5 is what klauspost/compress takes. */
function likelyLevels({ header, first, ending }: Evidence): readonly number[] {
  if (first.type === 'stored' && first.plainBytes === 65535) return [0, 6];
  if (header.extraFlags === 2) return [9];
  if (header.extraFlags === 4) return [1];
  if (ending === 'flushed') return [5, 6];
  return ending === 'fixed' ? [6, 5] : [6];
}

/** Go's encoders end every stream in their own way. The others end as they do by chance only. */
function familiesOf({ header, ending, breaks }: Evidence): readonly Family[] {
  const found = blocksOf(breaks);
  const others = found.length > 0 ? [pigzes(found), zlibs] : [zlibs, pigzes(PIGZ_BLOCKS)];
  if (ending === 'stored') return [legacy, ...others];
  if (ending === 'fixed') return [modern, ...others];
  if (ending === 'data') return others;
  const byPgzip = parallel(breaks.length > 0 ? breaks.slice(0, 1).filter(isBlock) : PGZIP_BLOCKS);
  return header.mtime === PGZIP_MTIME ? [byPgzip, modern] : [modern, byPgzip, ...others];
}

/** Blocks that end at all the breaks: their greatest common divisor, or a part of it, as not every one need show. */
function blocksOf(breaks: readonly number[]): number[] {
  const divisor = breaks.reduce(greatestCommonDivisor, 0);
  return [1, 2, 3, 4].map((parts) => divisor / parts).filter((block) => block % 1024 === 0 && isBlock(block));
}

function isBlock(bytes: number): boolean {
  return bytes >= LEAST_BLOCK && bytes <= LARGEST_BLOCK;
}

function greatestCommonDivisor(one: number, other: number): number {
  let [larger, smaller] = [one, other];
  while (smaller !== 0) [larger, smaller] = [smaller, larger % smaller];
  return larger;
}

function levelOf(choice: EngineChoice): number {
  const [value = 0] = choice.parameters;
  // Go's levels are zigzag, zlib's plain; see engines.ts.
  return choice.engine <= 3 ? (value % 2 === 0 ? value / 2 : -(value + 1) / 2) : value;
}

/** Whether the encoder can have ended its first block where it ends. */
function fits(choice: EngineChoice, first: FirstBlock): boolean {
  const level = levelOf(choice);
  if (level === 0) return first.type === 'stored';
  if (first.isCut || first.type === 'stored') return true;
  const { tokenCount, plainBytes } = first;
  if (choice.engine === 1) return level >= 2 ? tokenCount === 1 << 14 : plainBytes === 65535;
  if (choice.engine <= 3) {
    if (level === -2) return plainBytes % (1 << 15) === 0;
    return level >= 7 ? tokenCount % (1 << 15) === 0 : plainBytes % 65535 === 0;
  }
  const flavour = choice.parameters[1]!;
  if (choice.engine === 5 && plainBytes === choice.parameters[2]) return true;
  if (flavour === 2) return tokenCount === 0x7fff || tokenCount % 4096 === 0;
  return tokenCount === (flavour === 1 ? 0x7fff : 0x3fff);
}
