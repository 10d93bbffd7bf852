/**
 * The matcher of kernels/deflate/two-tables.ts, with the same calls as its plain reference
 * (src/deflate/go-modern/level5.ts), which is also what runs where there is no WebAssembly.
 */
import { WASM } from './two-tables-wasm.ts';
import { startKernel } from './wasm.ts';

interface Exports {
  tokensAt(): number;
  configure(level: number, looksAtEnd: number, skipped: number, longestPart: number): void;
  clear(): void;
  forget(): void;
  prepare(blockBytes: number): number;
  encode(blockBytes: number): number;
}

export interface TwoTablesKernel {
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

/** As the reference; undefined where there is no WebAssembly. */
export function startTwoTables(
  level: number,
  options: { readonly looksAtEnd: boolean; readonly skipped: number; readonly longestPart: number },
): TwoTablesKernel | undefined {
  const kernel = startKernel<Exports>(WASM);
  if (kernel === undefined) return undefined;
  kernel.configure(level, options.looksAtEnd ? 1 : 0, options.skipped, options.longestPart);
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
