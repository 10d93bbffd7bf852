/**
 * The cheapest way from the layers that a receiver has to those it wants: patches, one after another where that pays, and
 * whole layers for the rest. Pure: what is offered goes in, a list of steps comes out. What others wrote of their patches
 * is only weighed here; that a patch gives what it says is proved when it is applied.
 */
import type { Digest } from '../bytes/digest.ts';

/** A patch that can be had: whoever has the layers `needs` gets the layers `gives` for `bytes` on the line. */
export interface PatchOffer {
  /** What names the patch; steps refer to it. */
  readonly digest: Digest;
  readonly needs: readonly Digest[];
  readonly gives: readonly Digest[];
  readonly bytes: number;
}

export interface Offers {
  readonly patches: readonly PatchOffer[];
  /** Layers that can be fetched whole, by diffID, with the bytes of their blobs. */
  readonly layers: ReadonlyMap<Digest, number>;
}

export type Step =
  | { readonly kind: 'layer'; readonly diffId: Digest; readonly bytes: number }
  | { readonly kind: 'patch'; readonly patch: PatchOffer; readonly bytes: number };

/** Steps in the order in which they can be taken: whole layers first, as nothing stands before them. */
export interface Way {
  readonly steps: readonly Step[];
  readonly bytes: number;
}

/** A stranger's registry may offer patches without end; after so many states the best way known is taken. */
const MAX_STATES = 2_000;

/** What is still missing, and the patches that come after, from the last to the first. */
interface State {
  readonly missing: readonly Digest[];
  readonly patches: readonly PatchOffer[];
  readonly bytes: number;
}

/**
 * The cheapest way to the layers `wanted` for who has `have`; undefined when there is none. It is the optimum, unless
 * there are more than 2,000 sets of layers to weigh.
 *
 * It goes backwards from what is wanted: a patch taken last leaves its needs to be met before it, so that a state is the
 * set of layers still missing, and the cheapest states come first (Dijkstra over the regression of a problem in which
 * nothing that one has is ever lost). Whole layers need nothing, so they can always come first: every state is also the
 * end of one way, that of fetching what it misses.
 */
export function planWay(
  wanted: readonly Digest[],
  have: ReadonlySet<Digest>,
  offers: Offers,
): Way | undefined {
  const patches = offers.patches.filter((patch) => patch.bytes >= 0).sort(byBytesThenDigest);
  const open = startQueue();
  const settled = new Set<string>();
  let best: Way | undefined;
  open.add({ missing: missingOf(wanted, have), patches: [], bytes: 0 });
  for (let states = 0; states < MAX_STATES; states++) {
    const state = open.takeCheapest();
    if (state === undefined || (best !== undefined && state.bytes >= best.bytes)) break;
    const key = state.missing.join(' ');
    if (settled.has(key)) continue;
    settled.add(key);
    const way = fetchRest(state, offers.layers);
    if (way !== undefined && (best === undefined || way.bytes < best.bytes)) best = way;
    for (const patch of patches) {
      const bytes = state.bytes + patch.bytes;
      if (best !== undefined && bytes >= best.bytes) break;
      const before = beforePatch(state.missing, patch, have);
      if (before !== undefined) open.add({ missing: before, patches: [...state.patches, patch], bytes });
    }
  }
  return best;
}

/** The ways that a user can choose from: each patch straight to the target, at its cheapest, and all layers whole. */
export function planAlternatives(
  wanted: readonly Digest[],
  have: ReadonlySet<Digest>,
  offers: Offers,
): readonly Way[] {
  const ways: Way[] = [];
  for (const patch of offers.patches) {
    const before = beforePatch(missingOf(wanted, have), patch, have);
    const way = before === undefined ? undefined : planWay(before, have, offers);
    if (way === undefined) continue;
    const last: Step = { kind: 'patch', patch, bytes: patch.bytes };
    ways.push({ steps: [...way.steps, last], bytes: way.bytes + patch.bytes });
  }
  const whole = planWay(wanted, have, { patches: [], layers: offers.layers });
  if (whole !== undefined) ways.push(whole);
  return ways.sort((a, b) => a.bytes - b.bytes);
}

/** What must be there before `patch` so that after it nothing of `missing` is missing; undefined when it gives none of it. */
function beforePatch(
  missing: readonly Digest[],
  patch: PatchOffer,
  have: ReadonlySet<Digest>,
): readonly Digest[] | undefined {
  const gives = new Set(patch.gives);
  const left = missing.filter((diffId) => !gives.has(diffId));
  return left.length === missing.length ? undefined : missingOf([...left, ...patch.needs], have);
}

function fetchRest(state: State, layers: Offers['layers']): Way | undefined {
  const steps: Step[] = [];
  let total = state.bytes;
  for (const diffId of state.missing) {
    const bytes = layers.get(diffId);
    if (bytes === undefined) return undefined;
    steps.push({ kind: 'layer', diffId, bytes });
    total += bytes;
  }
  for (const patch of [...state.patches].reverse()) steps.push({ kind: 'patch', patch, bytes: patch.bytes });
  return { steps, bytes: total };
}

/** Sorted and without repetition, so that a set is always written the same. */
function missingOf(wanted: readonly Digest[], have: ReadonlySet<Digest>): readonly Digest[] {
  return [...new Set(wanted)].filter((diffId) => !have.has(diffId)).sort();
}

function byBytesThenDigest(a: PatchOffer, b: PatchOffer): number {
  return a.bytes - b.bytes || (a.digest < b.digest ? -1 : 1);
}

/** States by cost, a binary heap. */
function startQueue() {
  const heap: State[] = [];
  const isBefore = (a: number, b: number) => heap[a]!.bytes < heap[b]!.bytes;
  const swap = (a: number, b: number) => {
    [heap[a], heap[b]] = [heap[b]!, heap[a]!];
  };
  return {
    add(state: State): void {
      heap.push(state);
      for (let at = heap.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (!isBefore(at, parent)) break;
        swap(at, parent);
        at = parent;
      }
    },
    takeCheapest(): State | undefined {
      const cheapest = heap[0];
      const last = heap.pop();
      if (heap.length === 0 || last === undefined) return cheapest;
      heap[0] = last;
      for (let at = 0; ; ) {
        let least = at;
        for (const child of [2 * at + 1, 2 * at + 2]) {
          if (child < heap.length && isBefore(child, least)) least = child;
        }
        if (least === at) return cheapest;
        swap(at, least);
        at = least;
      }
    },
  };
}
