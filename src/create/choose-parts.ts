/**
 * Chooses the parts of the base that a window of a changed file is matched against: its earlier version, and what its
 * anchors name.
 */
import type { SharedAnchorIndex } from '../kernels/anchor-index.ts';
import type { AnchorIndex } from '../kernels/anchors.ts';
import { indexAt, NO_PARTS, type Part, type PartTable, partOf } from './part-table.ts';

/** A part that explains fewer anchors is more likely chance, or not worth the time it takes to match against. */
const MIN_VOTES = 3;

export interface Anchors {
  readonly index: AnchorIndex;
  readonly parts: PartTable;
}

/** Anchors that other threads can be given. */
export interface SharedAnchors extends Anchors {
  readonly index: SharedAnchorIndex;
}

/** For what is only matched against its earlier version. */
export const NO_ANCHORS: Anchors = { index: { add() {}, find() {}, close() {} }, parts: NO_PARTS };

/**
 * The parts to match `bytes` against, a window of a file that was `earlier` and begins at `windowStart` of `fileBytes`.
 * The earlier file comes first, whole when it fits, else around the same place; then, one after the other, the part that
 * explains most of the anchors that are not explained yet.
 */
export function chooseParts(
  anchors: Anchors,
  bytes: Uint8Array,
  earlier: Part | undefined,
  windowStart: number,
  fileBytes: number,
  maxOldBytes: number,
): readonly Part[] {
  const first = earlier && likelyPart(earlier, bytes.length, windowStart, fileBytes, maxOldBytes);
  const chosen: Part[] = first === undefined ? [] : [first];
  let room = maxOldBytes - (first?.sizeBytes ?? 0);
  const unexplained = findUnexplained(anchors, bytes, first);
  for (;;) {
    const part = mostVoted(unexplained);
    if (part === undefined) break;
    for (const group of unexplained) if (group.includes(part)) unexplained.delete(group);
    const more = without(partOf(anchors.parts, part), first);
    if (more.sizeBytes > room) break;
    room -= more.sizeBytes;
    chosen.push(more);
  }
  const sorted = chosen.filter((part) => part.sizeBytes > 0).sort((a, b) => a.address - b.address);
  return sorted.map((part, i) =>
    part === first ? part : widen(part, sorted[i - 1], sorted[i + 1], anchors),
  );
}

/** So much of a window that lies past a part's end would name the next part by too few anchors. */
const MARGIN_BYTES = 1 << 13;

/** With what lies around it in the base, as far as the parts beside it leave that. */
function widen(part: Part, before: Part | undefined, after: Part | undefined, { parts }: Anchors): Part {
  const [low, high] = boundsOf(parts);
  const left = before === undefined ? low : before.address + before.sizeBytes + MARGIN_BYTES;
  const right = after?.address ?? high;
  const start = Math.min(part.address, Math.max(left, part.address - MARGIN_BYTES));
  const end = part.address + part.sizeBytes;
  return { address: start, sizeBytes: Math.max(end, Math.min(right, end + MARGIN_BYTES)) - start };
}

function boundsOf({ addresses, sizes }: PartTable): readonly [number, number] {
  const last = addresses.length - 1;
  return [addresses[0]!, addresses[last]! + sizes[last]!];
}

/** Per anchor of `bytes` that doesn't stand in `first`: the parts it stands in. */
function findUnexplained(
  anchors: Anchors,
  bytes: Uint8Array,
  first: Part | undefined,
): Set<readonly number[]> {
  const groups = new Set<readonly number[]>();
  anchors.index.find(bytes, (addresses) => {
    if (first !== undefined && addresses.some((address) => isInside(address, first))) return;
    groups.add(addresses.map((address) => indexAt(anchors.parts, address)));
  });
  return groups;
}

/** The part that most groups name, the first of equals; undefined when it has too few votes. */
function mostVoted(groups: ReadonlySet<readonly number[]>): number | undefined {
  const votes = new Map<number, number>();
  for (const group of groups) for (const part of group) votes.set(part, (votes.get(part) ?? 0) + 1);
  let best: number | undefined;
  let bestVotes = MIN_VOTES - 1;
  for (const [part, count] of votes) {
    if (count > bestVotes || (count === bestVotes && best !== undefined && part < best)) {
      best = part;
      bestVotes = count;
    }
  }
  return best;
}

/** Anchors' addresses are rounded down to 16. */
function isInside(address: number, part: Part): boolean {
  return address + 15 >= part.address && address < part.address + part.sizeBytes;
}

/** All of a file that fits into half the room; of a larger one, what lies around the window's place in proportion. */
function likelyPart(
  file: Part,
  windowBytes: number,
  windowStart: number,
  fileBytes: number,
  maxOldBytes: number,
): Part {
  const most = maxOldBytes / 2;
  if (file.sizeBytes <= maxOldBytes * 0.75) return file;
  const middle = ((windowStart + windowBytes / 2) / fileBytes) * file.sizeBytes;
  const start = Math.floor(Math.max(0, Math.min(file.sizeBytes - most, middle - most / 2)));
  return { address: file.address + start, sizeBytes: Math.min(most, file.sizeBytes - start) };
}

/** What of a part the first choice doesn't already hold; parts are never inside out of it on both ends. */
function without(part: Part, first: Part | undefined): Part {
  if (first === undefined) return part;
  const end = part.address + part.sizeBytes;
  const firstEnd = first.address + first.sizeBytes;
  if (end <= first.address || part.address >= firstEnd) return part;
  if (part.address < first.address) return { address: part.address, sizeBytes: first.address - part.address };
  const start = Math.min(end, firstEnd);
  return { address: start, sizeBytes: end - start };
}
