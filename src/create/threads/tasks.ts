/** What threads are told and asked, as messages: plain data, in memory that is shared or handed over. */
import { bytesAccess, type FileRange, type RandomAccess, readRange } from '../../bytes/access.ts';
import { openRanges } from '../../bytes/file.ts';
import type { AnchorTable } from '../../kernels/anchor-index.ts';
import type { Effort } from '../effort.ts';
import type { MatchedExecutable, Window } from '../match-file.ts';
import type { MixedStream } from '../mix.ts';
import type { Part, PartTable } from '../part-table.ts';
import type { Match } from '../residual.ts';

/** What threads are told before tasks that need it; what isn't named stays. */
export interface Told {
  readonly match?: MatchSetUp;
  readonly place?: BasePlace;
}

export interface MatchSetUp {
  readonly effort: Effort;
  readonly files: PartTable;
  readonly anchors: AnchorTable;
  readonly anchorParts: PartTable;
}

/** Where the base's addresses are; told whenever parts of it were opened. */
export interface BasePlace {
  readonly ranges: readonly FileRange[];
  readonly opened: readonly Part[];
}

export type Task = IndexTask | MatchTask | MixTask | ProveTask;
export type Answer = MatchAnswer | MixAnswer | Record<string, never>;

/** The table is filled, to be used by all threads then. */
export interface IndexTask {
  readonly kind: 'index';
  readonly space: readonly FileRange[];
  readonly files: PartTable;
  readonly table: AnchorTable;
}

/** Where a content stands: in files, or here. */
export type Source = { readonly ranges: readonly FileRange[] } | { readonly bytes: Uint8Array };

export interface MatchTask {
  readonly kind: 'match';
  readonly content: Source;
  readonly earlier: Part | undefined;
  readonly isAnchored: boolean;
  /** Absent for an executable, which is matched as a whole. */
  readonly window?: Window;
}

/** Three numbers each: newStart, address, length. */
export type PackedMatches = Float64Array;

export interface MatchAnswer {
  readonly matches: PackedMatches;
  /** Of a plan. */
  readonly oldAddress?: number;
  readonly oldBytes?: number;
  readonly gaps?: Int32Array;
  readonly diffs?: Uint8Array;
  readonly coveredBytes?: number;
}

/** `limitBytes` bounds what is copied when it stands in no file. */
export function sourceOf(content: RandomAccess, limitBytes: number): Source {
  const { ranges, sizeBytes } = content;
  return ranges === undefined
    ? { bytes: readRange(content, 0, sizeBytes, limitBytes) }
    : { ranges: ranges() };
}

export function openSource(source: Source): RandomAccess {
  return 'bytes' in source ? bytesAccess(source.bytes) : openRanges(source.ranges);
}

export function packMatches(matches: readonly Match[]): PackedMatches {
  const packed = new Float64Array(3 * matches.length);
  for (let i = 0, at = 0; i < matches.length; i++) {
    const { newStart, address, length } = matches[i]!;
    packed[at++] = newStart;
    packed[at++] = address;
    packed[at++] = length;
  }
  return packed;
}

export function unpackMatches(packed: PackedMatches): readonly Match[] {
  const matches: Match[] = [];
  for (let at = 0; at < packed.length; at += 3)
    matches.push({ newStart: packed[at]!, address: packed[at + 1]!, length: packed[at + 2]! });
  return matches;
}

export function packExecutable(matched: MatchedExecutable): MatchAnswer {
  if (matched.plan === undefined) return { matches: packMatches(matched.matches) };
  const { oldAddress, oldBytes, matches, residual } = matched.plan;
  const { gaps, diffs, coveredBytes } = residual;
  return {
    matches: packMatches(matches),
    oldAddress,
    oldBytes,
    gaps: gaps.slice(),
    diffs: diffs.slice(),
    coveredBytes,
  };
}

export function unpackExecutable(answer: MatchAnswer): MatchedExecutable {
  const matches = unpackMatches(answer.matches);
  const { oldAddress, oldBytes, gaps, diffs, coveredBytes } = answer;
  if (oldAddress === undefined) return { matches };
  const residual = { gaps: gaps!, diffs: diffs!, coveredBytes: coveredBytes! };
  return { plan: { oldAddress, oldBytes: oldBytes!, matches, residual } };
}

/** What of an answer is handed over instead of copied. */
export function memoryOf(answer: Answer): ArrayBuffer[] {
  if (!('matches' in answer)) return [];
  const { matches, gaps, diffs } = answer;
  return [matches, gaps, diffs].flatMap((each) => (each === undefined ? [] : [each.buffer as ArrayBuffer]));
}

export interface MixTask {
  readonly kind: 'mix';
  readonly stream: number;
  readonly plain: Source;
}

export interface MixAnswer {
  readonly mixed: MixedStream | undefined;
}

/** What a proof reads. */
export interface ProofSources {
  readonly written: RandomAccess;
  /** The base's layers, by their place in the patch's header; those that aren't read are absent. */
  readonly tars: readonly (RandomAccess | undefined)[];
  readonly blobs: RandomAccess | undefined;
}

export interface ProveTask {
  readonly kind: 'prove';
  readonly written: readonly FileRange[];
  readonly tars: readonly (readonly FileRange[] | undefined)[];
  readonly blobs: readonly FileRange[] | undefined;
  readonly layers: readonly number[];
  readonly tempDirectory: string;
}
