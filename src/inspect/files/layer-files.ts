/**
 * Brings together what a layer's program took and which file each byte of its tar belongs to. Both come in the order of
 * the tar, neither before the other for sure; what waits is never more than what makes one file.
 */
import {
  OP_BINARY,
  OP_REGION,
  OP_TEXT,
  STREAM_BLOB,
  STREAM_DIFFS,
  STREAM_GAPS,
  STREAM_NAMES,
} from '../../patch/format.ts';
import type { TarEntry } from '../../tar/header.ts';
import type { TarSegment } from '../../tar/walk.ts';
import type { BaseFiles } from './base-files.ts';
import type { MadeStretch } from './op-log.ts';
import { addReads, addRegion, type Reads, startReads } from './reads.ts';

/** An entry of the layer's tar, or what belongs to none (then `entry` is absent), with its part of each stream. */
export interface FileDraft {
  readonly entry?: TarEntry;
  readonly reads: Reads;
  readonly contentCosts: number[];
  readonly headerCosts: number[];
}

export interface LayerFiles {
  addStretch(stretch: MadeStretch): void;
  addSegment(segment: TarSegment): void;
  /** The same for a layer that the patch has as its blob: the blob's bytes are divided by those of the tar. */
  addCarried(segment: TarSegment): void;
  /** In the order of the tar; what belongs to no entry comes last. */
  readonly drafts: readonly FileDraft[];
}

interface Place {
  readonly start: number;
  readonly end: number;
  readonly kind: TarSegment['kind'];
  readonly draft: FileDraft;
}

export function layerFiles(base: BaseFiles): LayerFiles {
  const rest = startDraft();
  const drafts: FileDraft[] = [];
  const stretches = queue<MadeStretch>();
  const places = queue<Place>();
  const draftOf = (segment: TarSegment): FileDraft => {
    if (segment.kind === 'header') drafts.push(startDraft(segment.entry));
    return segment.kind === 'end' || segment.kind === 'unknown' ? rest : drafts.at(-1)!;
  };
  const settle = () => {
    for (let stretch = stretches.first(); stretch !== undefined; stretch = stretches.first()) {
      const place = places.first();
      if (place === undefined) return;
      const from = Math.max(stretch.start, place.start);
      const to = Math.min(stretch.end, place.end);
      if (to > from) addShare(base, stretch, place, from, to);
      if (stretch.end <= place.end) stretches.drop();
      if (place.end <= stretch.end) places.drop();
    }
  };
  return {
    addStretch(stretch) {
      stretches.add(stretch);
      settle();
    },
    addSegment(segment) {
      const { kind, offset, sizeBytes } = segment;
      places.add({ start: offset, end: offset + sizeBytes, kind, draft: draftOf(segment) });
      settle();
    },
    addCarried(segment) {
      const { contentCosts, headerCosts, reads } = draftOf(segment);
      const into = segment.kind === 'header' ? headerCosts : contentCosts;
      into[STREAM_BLOB]! += segment.sizeBytes;
      reads.isCarried = true;
    },
    get drafts() {
      return [...drafts, rest];
    },
  };
}

function startDraft(entry?: TarEntry): FileDraft {
  const zeros = () => STREAM_NAMES.map(() => 0);
  return {
    ...(entry === undefined ? {} : { entry }),
    reads: startReads(),
    contentCosts: zeros(),
    headerCosts: zeros(),
  };
}

/** Counts for one file the part of a stretch that makes its bytes from `from` to `to`. */
function addShare(
  base: BaseFiles,
  { start, end, costs, differences, op, inner }: MadeStretch,
  { draft, kind }: Place,
  from: number,
  to: number,
): void {
  const share = (to - from) / (end - start);
  const inside = countBelow(differences, to) - countBelow(differences, from);
  const shareOfDifferences = differences.length === 0 ? share : inside / differences.length;
  const into = kind === 'header' ? draft.headerCosts : draft.contentCosts;
  for (const [stream, cost] of costs.entries()) {
    const isDifference = stream === STREAM_GAPS || stream === STREAM_DIFFS;
    into[stream]! += cost * (isDifference ? shareOfDifferences : share);
  }
  if (kind !== 'content') return;
  const { reads } = draft;
  reads.differences += inside;
  if (inner !== undefined) addReads(reads, inner);
  else if (op.code === OP_REGION) addRegion(reads, base, op.source + from - start, to - from);
  else reads.next = undefined;
  if (op.code === OP_BINARY || op.code === OP_TEXT) reads.newBytes += to - from;
}

/** How many of `sorted` are less than `limit`. */
function countBelow(sorted: readonly number[], limit: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** First in, first out, in time that doesn't grow with what waits. */
function queue<T>() {
  let items: T[] = [];
  let at = 0;
  return {
    first: (): T | undefined => items[at],
    add: (item: T) => items.push(item),
    drop() {
      at++;
      if (at < items.length && at * 2 < items.length + 1024) return;
      items = items.slice(at);
      at = 0;
    },
  };
}
