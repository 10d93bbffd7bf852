/**
 * The hash chain matcher of kernels/deflate/hash-chain.ts, with the same calls as its plain reference
 * (src/deflate/go-legacy/hash-chain.ts), which is also what runs where there is no WebAssembly.
 */
import { WASM } from './hash-chain-wasm.ts';
import { startKernel } from './wasm.ts';

interface Exports {
  bufferAt(): number;
  tokensAt(): number;
  configure(lazy: number, nice: number, chain: number, fastSkip: number): void;
  reset(): void;
  endIndex(): number;
  filled(count: number): void;
  wantsSlide(): number;
  slide(): void;
  takeTokens(): number;
  blockEndIndex(): number;
  run(toEnd: number): number;
  finishBlock(): number;
}

type BlockSink = (tokens: Uint32Array, count: number, buffer: Uint8Array, start: number, end: number) => void;

interface Level {
  readonly lazy: number;
  readonly nice: number;
  readonly chain: number;
  readonly fastSkip: number;
}

const WINDOW_BYTES = 32768;
const BUFFER_BYTES = 2 * WINDOW_BYTES;
const BLOCK_TOKENS = 16384;

/** As the reference of the same name; undefined where there is no WebAssembly. */
export function startHashChain(level: Level, sink: BlockSink): HashChainKernel | undefined {
  const kernel = startKernel<Exports>(WASM);
  if (kernel === undefined) return undefined;
  kernel.configure(level.lazy, level.nice, level.chain, level.fastSkip);
  const { buffer } = kernel.memory;
  const window = new Uint8Array(buffer, kernel.bufferAt(), BUFFER_BYTES);
  const tokens = new Uint32Array(buffer, kernel.tokensAt(), BLOCK_TOKENS);
  let blockStart = 0;
  const endBlock = (end: number) => {
    const count = kernel.takeTokens();
    if (count > 0) sink(tokens, count, window, blockStart, end);
    if (count > 0) blockStart = end;
  };
  return {
    reset() {
      kernel.reset();
      blockStart = 0;
    },
    fill(from, start, end) {
      if (kernel.wantsSlide() !== 0) {
        kernel.slide();
        blockStart = blockStart >= WINDOW_BYTES ? blockStart - WINDOW_BYTES : -1;
      }
      const at = kernel.endIndex();
      const count = Math.min(end - start, BUFFER_BYTES - at);
      window.set(from.subarray(start, start + count), at);
      kernel.filled(count);
      return count;
    },
    run(toEnd) {
      while (kernel.run(toEnd ? 1 : 0) !== 0) endBlock(kernel.blockEndIndex());
      if (toEnd) endBlock(kernel.finishBlock());
    },
  };
}

export interface HashChainKernel {
  /** For a new stream: everything as if new. */
  reset(): void;
  /** Copies in what fits of a range; returns how many bytes that was. */
  fill(from: Uint8Array, start: number, end: number): number;
  /** Matches as far as it can see, or with `toEnd` to the last byte, which ends the block. */
  run(toEnd: boolean): void;
}
