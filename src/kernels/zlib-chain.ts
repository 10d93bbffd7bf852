/**
 * The matcher of kernels/deflate/zlib-chain.ts, with the same calls as its plain reference
 * (src/deflate/zlib/matcher.ts), which is also what runs where there is no WebAssembly.
 */
import { startKernel } from './wasm.ts';
import { WASM } from './zlib-chain-wasm.ts';

interface Exports {
  bufferAt(): number;
  tokensAt(): number;
  configureLevel(isLazy: number, good: number, lazy: number, nice: number, chain: number): void;
  configureFlavour(hash: number, hashBytes: number, beyond: number, weighs: number, tokens: number): void;
  clearHead(): void;
  reset(dictionaryBytes: number): void;
  endIndex(): number;
  filled(count: number): void;
  wantsSlide(): number;
  slide(): void;
  tokensHeld(): number;
  blockStartIndex(): number;
  blockEndIndex(): number;
  taken(): void;
  indexOwed(): void;
  run(toEnd: number): number;
  clearBeyond(): void;
  finishBlock(): void;
}

type BlockSink = (
  tokens: Uint32Array,
  count: number,
  buffer: Uint8Array,
  start: number,
  end: number,
  isFinal: boolean,
) => void;

interface Options {
  readonly level: {
    readonly isLazy: boolean;
    readonly good: number;
    readonly lazy: number;
    readonly nice: number;
    readonly chain: number;
  };
  readonly hash: keyof typeof HASHES;
  readonly blockTokens: number;
  readonly weighsBlocks: boolean;
  readonly looksBeyond: boolean;
}

/** Their numbers in the kernel, and how many bytes they read. */
const HASHES = {
  rolling15: { kind: 0, bytes: 3 },
  rolling16: { kind: 1, bytes: 3 },
  multiplied: { kind: 2, bytes: 4 },
} as const;

const WINDOW_BYTES = 32768;
const BUFFER_BYTES = 2 * WINDOW_BYTES;
/** Matches may be compared so far beyond the last byte. */
const BEYOND_BYTES = 262;

/** As the reference; undefined where there is no WebAssembly. */
export function startZlibChain(options: Options, sink: BlockSink): ZlibChainKernel | undefined {
  const kernel = startKernel<Exports>(WASM);
  if (kernel === undefined) return undefined;
  configure(kernel, options);
  const { buffer } = kernel.memory;
  const window = new Uint8Array(buffer, kernel.bufferAt(), BUFFER_BYTES + BEYOND_BYTES);
  const tokens = new Uint32Array(buffer, kernel.tokensAt(), options.blockTokens + 1);
  const endBlock = (isFinal: boolean) => {
    sink(tokens, kernel.tokensHeld(), window, kernel.blockStartIndex(), kernel.blockEndIndex(), isFinal);
    kernel.taken();
  };
  const run = (toEnd: boolean) => {
    kernel.indexOwed();
    while (kernel.run(toEnd ? 1 : 0) !== 0) endBlock(false);
  };
  return {
    reset(dictionary) {
      const kept = dictionary.subarray(Math.max(0, dictionary.length - WINDOW_BYTES));
      kernel.clearHead();
      window.set(kept);
      kernel.reset(kept.length);
    },
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
    flush(isFinal) {
      run(false);
      if (kernel.wantsSlide() !== 0) kernel.slide();
      if (options.looksBeyond) kernel.clearBeyond();
      run(true);
      kernel.finishBlock();
      if (isFinal || kernel.tokensHeld() > 0) endBlock(isFinal);
    },
  };
}

function configure(kernel: Exports, { level, hash, ...options }: Options): void {
  const { isLazy, good, lazy, nice, chain } = level;
  kernel.configureLevel(isLazy ? 1 : 0, good, lazy, nice, chain);
  const { kind, bytes } = HASHES[hash];
  const beyond = options.looksBeyond ? 1 : 0;
  kernel.configureFlavour(kind, bytes, beyond, options.weighsBlocks ? 1 : 0, options.blockTokens);
}

export interface ZlibChainKernel {
  /** A new stream that may refer to the dictionary's last 32 KiB. */
  reset(dictionary: Uint8Array): void;
  write(bytes: Uint8Array): void;
  /** Matches to the last byte and ends the block, if there are tokens or it is the final one. */
  flush(isFinal: boolean): void;
}
