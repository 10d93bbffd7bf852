/**
 * Which engines may have made a blob, the likeliest first, judged by its gzip header and its first block. The order
 * only saves time: whatever is chosen is proved by a full replay.
 */
import { type EngineChoice, goLegacy, goModern, pgzip, pigz, zlib } from './engines.ts';
import type { FirstBlock } from './fingerprint.ts';
import { PGZIP_LEVELS } from './go-modern/pgzip.ts';
import type { GzipHeader } from './gzip.ts';

/** What pgzip writes for a time that was not set. */
const PGZIP_MTIME = 0x886e0900;
const UNIX = 3;
const PGZIP_BLOCKS: readonly number[] = [1 << 20, 1 << 18];
const PIGZ_BLOCK = 1 << 17;

/** Variants of Go 1.27's encoder and its forerunner that differ at this level. */
function variantsOf(level: number): number[] {
  if (level === 5 || level === 6) return [1, 0, 16, 24, 44, 12, 56];
  return level === 4 ? [3, 0, 1, 2] : [1, 0];
}

type Family = (level: number) => EngineChoice[];

const legacy: Family = (level) => [goLegacy(level)];
const modern: Family = (level) => variantsOf(level).map((variant) => goModern(level, variant));
const parallel: Family = (level) =>
  PGZIP_LEVELS.includes(level)
    ? PGZIP_BLOCKS.flatMap((block) => variantsOf(level).map((variant) => pgzip(level, variant, block)))
    : [];
const zlibs: Family = (level) => (level < 1 ? [] : [0, 2, 3, 1].map((flavour) => zlib(level, flavour)));
const pigzes: Family = (level) => (level < 1 ? [] : [pigz(level, 0, PIGZ_BLOCK)]);

export function listCandidates(header: GzipHeader, first: FirstBlock): EngineChoice[] {
  const { extraFlags } = header;
  const likely = extraFlags === 2 ? 9 : extraFlags === 4 ? 1 : 6;
  const levels = [...new Set([likely, 6, 1, 9, 5, 2, 3, 4, 7, 8, -2, 0])];
  const candidates = familiesOf(header).flatMap((family) => levels.flatMap(family));
  // The likeliest level of every family comes before the others of any.
  const isLikely = (choice: EngineChoice) => levelOf(choice) === likely;
  return [...candidates.filter(isLikely), ...candidates.filter((choice) => !isLikely(choice))].filter(
    (choice) => fits(choice, first),
  );
}

function familiesOf(header: GzipHeader): readonly Family[] {
  if (header.mtime === PGZIP_MTIME) return [parallel, modern, legacy];
  if (header.operatingSystem === UNIX) return [zlibs, pigzes, legacy, modern, parallel];
  return [legacy, modern, zlibs, pigzes, parallel];
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
  if (choice.engine === 5 && plainBytes === PIGZ_BLOCK) return true;
  if (flavour === 2) return tokenCount === 0x7fff || tokenCount % 4096 === 0;
  return tokenCount === (flavour === 1 ? 0x7fff : 0x3fff);
}
