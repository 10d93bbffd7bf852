/**
 * The matcher of kernels/deflate/fast-match.ts, with the same calls as its plain reference
 * (src/deflate/go-legacy/fast-match.ts), which is also what runs where there is no WebAssembly.
 */
import { WASM } from './fast-match-wasm.ts';
import { startKernel } from './wasm.ts';

interface Exports {
  bufferAt(): number;
  tokensAt(): number;
  reset(): void;
  forget(): void;
  match(size: number): number;
}

const BLOCK_BYTES = 65535;

export interface FastMatchKernel {
  /** The previous block ends, and the current one starts, in the middle. */
  readonly buffer: Uint8Array;
  /** Tokens of the block matched last. */
  readonly tokens: Uint32Array;
  /** For a new stream: everything as if new. */
  reset(): void;
  /** After a block that was not matched: nothing before the next one can be referred to. */
  forget(): void;
  /** Matches the `size` (at least 17) bytes in the middle; returns the count of tokens. They become the previous block. */
  match(size: number): number;
}

/** As the reference of the same name; undefined where there is no WebAssembly. */
export function startFastMatch(): FastMatchKernel | undefined {
  const kernel = startKernel<Exports>(WASM);
  if (kernel === undefined) return undefined;
  const memory = kernel.memory.buffer;
  return {
    buffer: new Uint8Array(memory, kernel.bufferAt(), 2 * BLOCK_BYTES),
    tokens: new Uint32Array(memory, kernel.tokensAt(), BLOCK_BYTES),
    reset: () => kernel.reset(),
    forget: () => kernel.forget(),
    match: (size) => kernel.match(size),
  };
}
