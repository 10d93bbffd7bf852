/**
 * Which changed files are matched as `create` would. Files are told apart by kind: what more effort saves is alike within
 * one.
 */

import type { RandomAccess } from '../bytes/access.ts';
import { readRange, sliceAccess } from '../bytes/access.ts';
import type { ChangedFile } from '../create/delta-layer.ts';
import { measureNovelty } from './novelty.ts';

export const KINDS = ['executable', 'binary', 'text', 'new binary', 'new text'] as const;
export type FileKind = (typeof KINDS)[number];

export interface WeighedFile extends ChangedFile {
  readonly layer: number;
  readonly kind: FileKind;
  /** How its cost compares with that of others of its kind, roughly. */
  readonly weight: number;
}

/** What even a file costs in which a byte has changed, in the unit of novelty. */
const LEAST_WEIGHT = 48;
const KIND_BYTES = 4096;
/** Kinds with no more bytes than this are matched whole. */
const SMALL_BYTES = 512 << 10;

export function weigh(file: ChangedFile, space: RandomAccess, layer: number): WeighedFile {
  const { content, earlier } = file;
  const start = readRange(content, 0, Math.min(KIND_BYTES, content.sizeBytes), KIND_BYTES);
  const kind = kindOf(start, earlier !== undefined);
  // Text is plenty in some images, and its sizes tell enough.
  const isMeasured = earlier !== undefined && kind !== 'text';
  const fresh = isMeasured
    ? measureNovelty(content, sliceAccess(space, earlier.address, earlier.sizeBytes))
    : content.sizeBytes;
  return { ...file, layer, kind, weight: LEAST_WEIGHT + fresh };
}

function kindOf(start: Uint8Array, isChanged: boolean): FileKind {
  const isElf = start[0] === 0x7f && start[1] === 0x45 && start[2] === 0x4c && start[3] === 0x46;
  if (isElf && isChanged) return 'executable';
  if (start.includes(0)) return isChanged ? 'binary' : 'new binary';
  return isChanged ? 'text' : 'new text';
}

/**
 * About `part` of the bytes: the heaviest, which are most of the cost often, for half of that, and every k-th of the
 * others. In the order given.
 */
export function chooseSample(files: readonly WeighedFile[], part: number): readonly WeighedFile[] {
  const totalBytes = sizeOf(files);
  if (totalBytes <= SMALL_BYTES || files.length < 3) return files;
  const sorted = [...files].sort((a, b) => b.weight - a.weight || (a.path < b.path ? -1 : 1));
  const chosen = new Set<WeighedFile>();
  let bytes = 0;
  for (const file of sorted) {
    if (bytes + file.content.sizeBytes / 2 > (totalBytes * part) / 2) break;
    chosen.add(file);
    bytes += file.content.sizeBytes;
  }
  const left = sorted.slice(chosen.size);
  const step = Math.max(1, Math.round(2 / part));
  const first = Math.min(step >> 1, left.length - 1);
  for (let at = first; at >= 0 && at < left.length; at += step) chosen.add(left[at]!);
  return files.filter((file) => chosen.has(file));
}

export function sizeOf(files: readonly WeighedFile[]): number {
  return files.reduce((sum, { content }) => sum + content.sizeBytes, 0);
}

export function weightOf(files: readonly WeighedFile[]): number {
  return files.reduce((sum, { weight }) => sum + weight, 0);
}
