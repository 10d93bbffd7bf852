/**
 * Matching in WebAssembly (kernels/match/match.ts), with the buffers that go with it; the plain reference of match.ts
 * runs where there is no WebAssembly. Both find the same regions.
 */
import { DidiffError } from '../errors.ts';
import { DEFAULT_CHAIN, DEFAULT_GAIN, findRegions, indexOld, type Region } from './match.ts';
import { WASM } from './match-wasm.ts';
import { startKernel } from './wasm.ts';
import { bucketBitsFor, expectedWindows } from './window-hash.ts';

export interface MatchSettings {
  /** One window in 2^sampleBits of the old bytes is indexed. */
  readonly sampleBits: number;
  /** How many matching bytes a switch must win over the current alignment. */
  readonly minimumGain?: number | undefined;
  /** How many candidates are tried for one position. */
  readonly chain?: number | undefined;
}

/** One at a time: what it holds is used again for every pair of buffers. */
export interface Matcher {
  /** Room for both buffers; what `next` holds stays as far as both reach. Throws LIMIT when there is not so much memory. */
  reserve(nextBytes: number, oldBytes: number): void;
  /** The new and the old bytes, for the caller to fill. Memory may move: to be asked for after each `reserve` and `find`. */
  readonly next: Uint8Array;
  readonly old: Uint8Array;
  /** The regions of `next` in `old`, as `findRegions` of match.ts finds them. */
  find(settings: MatchSettings): readonly Region[];
}

export function openMatcher(): Matcher {
  return openKernelMatcher() ?? openPlainMatcher();
}

interface Exports {
  regionsAt(): number;
  nextStart(): number;
  oldStart(): number;
  reserve(nextBytes: number, oldBytes: number, bucketBits: number, entries: number): number;
  index(sampleBits: number, bucketBits: number): number;
  find(minimumGain: number, chain: number): number;
}

/** So many regions at most come out of one call of the kernel. */
const REGION_ROOM = 2048;
/** Both buffers together: their indexes must fit into a kernel's 4 GiB with them. */
const MAX_BYTES = 2 ** 29;

/** Undefined where WebAssembly is switched off. */
export function openKernelMatcher(): Matcher | undefined {
  const kernel = startKernel<Exports>(WASM);
  if (kernel === undefined) return undefined;
  const { memory } = kernel;
  let sizes = { next: 0, old: 0 };
  const reserve = (bucketBits: number, entries: number) => {
    if (kernel.reserve(sizes.next, sizes.old, bucketBits, entries) === 0) throw outOfMemory(sizes);
  };
  return {
    reserve(next, old) {
      sizes = { next, old };
      if (next + old > MAX_BYTES) throw outOfMemory(sizes);
      reserve(0, 0);
    },
    get next() {
      return new Uint8Array(memory.buffer, kernel.nextStart(), sizes.next);
    },
    get old() {
      return new Uint8Array(memory.buffer, kernel.oldStart(), sizes.old);
    },
    find({ sampleBits, minimumGain = DEFAULT_GAIN, chain = DEFAULT_CHAIN }) {
      const windows = expectedWindows(sizes.old, sampleBits);
      const bucketBits = bucketBitsFor(windows);
      reserve(bucketBits, Math.min(windows, 2 * expectedWindows(sizes.next, sampleBits)));
      if (kernel.index(sampleBits, bucketBits) === 0) throw outOfMemory(sizes);
      const regions: Region[] = [];
      for (let count = REGION_ROOM; count === REGION_ROOM; ) {
        count = kernel.find(minimumGain, chain);
        const found = new Int32Array(memory.buffer, kernel.regionsAt(), 3 * count);
        for (let i = 0; i < found.length; i += 3)
          regions.push({ newStart: found[i]!, oldStart: found[i + 1]!, length: found[i + 2]! });
      }
      return regions;
    },
  };
}

function outOfMemory({ next, old }: { next: number; old: number }): DidiffError {
  return new DidiffError(
    'LIMIT',
    `there is not enough memory to match ${next} bytes against ${old} bytes; some ${Math.ceil((4 * old + next) / 1e6)} MB are needed`,
  );
}

/** The reference, behind the same calls. */
export function openPlainMatcher(): Matcher {
  let next = new Uint8Array(0);
  let old = new Uint8Array(0);
  return {
    reserve(nextBytes, oldBytes) {
      const before = next.subarray(0, nextBytes);
      next = new Uint8Array(nextBytes);
      next.set(before);
      old = new Uint8Array(oldBytes);
    },
    get next() {
      return next;
    },
    get old() {
      return old;
    },
    find: ({ sampleBits, minimumGain, chain }) =>
      findRegions(indexOld(old, sampleBits, next), next, minimumGain, chain),
  };
}
