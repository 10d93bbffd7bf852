/**
 * Which engines may have made a blob, the likeliest first, judged by its gzip header. The order only saves time:
 * whatever is chosen is proved by a full replay.
 */
import { type EngineChoice, goLegacy } from './engines.ts';
import { LEGACY_LEVELS } from './go-legacy/model.ts';
import type { GzipHeader } from './gzip.ts';

export function listCandidates(header: GzipHeader): EngineChoice[] {
  const level = header.extraFlags === 2 ? 9 : header.extraFlags === 4 ? 1 : 6;
  const first = [goLegacy(level)];
  const rest = LEGACY_LEVELS.filter((other) => other !== level).map(goLegacy);
  return [...first, ...rest];
}
