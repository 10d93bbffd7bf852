/**
 * The matcher of kernels/deflate/lazy-chain.ts, with the same calls as its plain reference
 * (src/deflate/go-modern/lazy.ts), which is also what runs where there is no WebAssembly.
 */
import { WASM } from './lazy-chain-wasm.ts';
import { startKernel } from './wasm.ts';

interface Exports {
  bufferAt(): number;
  weightsAt(): number;
  blocksAt(): number;
  tokensAt(): number;
  configure(lazy: number, nice: number, chain: number): void;
  reset(): void;
  startIndex(): number;
  endIndex(): number;
  filled(count: number): void;
  wantsSlide(): number;
  slide(): void;
  blocksEnded(): number;
  taken(): void;
  finishBlock(): void;
  run(toEnd: number): void;
}

type BlockSink = (
  tokens: Uint32Array,
  count: number,
  buffer: Uint8Array,
  start: number,
  end: number,
  sync: boolean,
) => void;

interface Level {
  readonly lazy: number;
  readonly nice: number;
  readonly chain: number;
}

/** Code lengths of the 256 literals from how often each occurs. */
type Weigh = (counts: Int32Array) => Uint8Array;

const BUFFER_BYTES = 65536;
const WEIGHED_BYTES = 32768;
/** Tokens left from before a run, and one for every byte of the buffer. */
const MOST_TOKENS = 32768 + BUFFER_BYTES + 1;
const MOST_BLOCKS = 80;

/** As the reference; undefined where there is no WebAssembly. `weigh` is called for levels of long chains. */
export function startLazyChain(level: Level, weigh: Weigh, sink: BlockSink): LazyChainKernel | undefined {
  const kernel = startKernel<Exports>(WASM);
  if (kernel === undefined) return undefined;
  kernel.configure(level.lazy, level.nice, level.chain);
  const { buffer } = kernel.memory;
  const window = new Uint8Array(buffer, kernel.bufferAt(), BUFFER_BYTES);
  const weights = new Uint8Array(buffer, kernel.weightsAt(), 256);
  const blocks = new Int32Array(buffer, kernel.blocksAt(), 3 * MOST_BLOCKS);
  const tokens = new Uint32Array(buffer, kernel.tokensAt(), MOST_TOKENS);
  const takeBlocks = (sync: boolean) => {
    let first = 0;
    for (let at = 0; at < 3 * kernel.blocksEnded(); at += 3) {
      const last = blocks[at]!;
      sink(tokens.subarray(first, last), last - first, window, blocks[at + 1]!, blocks[at + 2]!, sync);
      first = last;
    }
    kernel.taken();
  };
  const run = (toEnd: boolean) => {
    const [start, end] = [kernel.startIndex(), kernel.endIndex()];
    if (level.chain > 100 && end > start) weights.set(weigh(countBytes(window, start, end)));
    kernel.run(toEnd ? 1 : 0);
    if (toEnd) kernel.finishBlock();
    takeBlocks(toEnd);
  };
  return {
    reset: () => kernel.reset(),
    write(bytes) {
      for (let at = 0; at < bytes.length; ) {
        if (kernel.endIndex() === BUFFER_BYTES) run(false);
        if (kernel.wantsSlide() !== 0) kernel.slide();
        const end = kernel.endIndex();
        const count = Math.min(bytes.length - at, BUFFER_BYTES - end);
        window.set(bytes.subarray(at, at + count), end);
        kernel.filled(count);
        at += count;
      }
    },
    flush: () => run(true),
  };
}

function countBytes(window: Uint8Array, start: number, end: number): Int32Array {
  const counts = new Int32Array(256);
  for (let at = start; at < Math.min(end, start + WEIGHED_BYTES); at++) {
    counts[window[at]!] = counts[window[at]!]! + 1;
  }
  return counts;
}

export interface LazyChainKernel {
  reset(): void;
  write(bytes: Uint8Array): void;
  /** Matches all there is and ends the block. */
  flush(): void;
}
