/**
 * The matchers of kernels/deflate/fast-levels.ts, with the same calls as their plain references
 * (src/deflate/go-modern: single-table, level3, level4), which are also what runs where there is no WebAssembly.
 */
import { WASM } from './fast-levels-wasm.ts';
import { startKernel } from './wasm.ts';

interface Exports {
  tokensAt(): number;
  configure(level: number, comparesElsewhere: number): void;
  clear(): void;
  forget(): void;
  prepare(blockBytes: number): number;
  encode(blockBytes: number): number;
}

export interface FastLevelKernel {
  /** Tokens of the block encoded last. */
  readonly tokens: Uint32Array;
  /** Matches a block of at most 65535 bytes; returns the count of `tokens`, 0 when nothing was found. */
  encode(from: Uint8Array, start: number, end: number): number;
  /** Puts all bytes so far out of reach. */
  forget(): void;
  /** Everything as if new. */
  clear(): void;
}

const BLOCK_BYTES = 65535;

/** As the references; undefined where there is no WebAssembly. Only level 4 asks for `comparesElsewhere`. */
export function startFastLevel(
  level: 1 | 2 | 3 | 4,
  comparesElsewhere: boolean,
): FastLevelKernel | undefined {
  const kernel = startKernel<Exports>(WASM);
  if (kernel === undefined) return undefined;
  kernel.configure(level, comparesElsewhere ? 1 : 0);
  const memory = new Uint8Array(kernel.memory.buffer);
  return {
    tokens: new Uint32Array(kernel.memory.buffer, kernel.tokensAt(), BLOCK_BYTES),
    encode(from, start, end) {
      memory.set(from.subarray(start, end), kernel.prepare(end - start));
      return kernel.encode(end - start);
    },
    forget: () => kernel.forget(),
    clear: () => kernel.clear(),
  };
}
