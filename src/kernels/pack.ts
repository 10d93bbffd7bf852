/** The token packer of kernels/deflate/pack.ts; its plain reference is BitWriter.tokens (src/deflate/bits.ts). */
import { WASM } from './pack-wasm.ts';
import { startKernel } from './wasm.ts';

interface Exports {
  literalsAt(): number;
  distancesAt(): number;
  lengthSymbolsAt(): number;
  lengthBasesAt(): number;
  lengthExtrasAt(): number;
  distanceSymbolsAt(): number;
  distanceBasesAt(): number;
  distanceExtrasAt(): number;
  tokensAt(): number;
  outAt(): number;
  start(bits: number, bitCount: number): void;
  heldBits(): number;
  heldBitCount(): number;
  pack(count: number): number;
}

/** DEFLATE's fixed tables, as src/deflate/codes.ts has them. */
export interface PackTables {
  readonly lengthSymbols: Uint8Array;
  readonly lengthBases: Uint16Array;
  readonly lengthExtras: Uint8Array;
  readonly distanceSymbols: Uint8Array;
  readonly distanceBases: Uint16Array;
  readonly distanceExtras: Uint8Array;
}

interface Code {
  readonly codes: Uint16Array;
  readonly lengths: Uint8Array;
}

export interface Packer {
  /** Packs tokens after `bitCount` (below 16) bits already held; hands out whole bytes, which stay valid until the next call. */
  pack(
    tokens: Uint32Array,
    count: number,
    literals: Code,
    distances: Code,
    take: (bytes: Uint8Array) => void,
  ): void;
  /** Bits before and after: set before a call, read after it. */
  held: number;
  heldCount: number;
}

const MOST_TOKENS = 16384;
const MOST_BYTES = 6 * MOST_TOKENS + 8;

/** Undefined where there is no WebAssembly. */
export function startPacker(tables: PackTables): Packer | undefined {
  const kernel = startKernel<Exports>(WASM);
  if (kernel === undefined) return undefined;
  const { buffer } = kernel.memory;
  const memory = new Uint8Array(buffer);
  memory.set(tables.lengthSymbols, kernel.lengthSymbolsAt());
  memory.set(bytesOf(tables.lengthBases), kernel.lengthBasesAt());
  memory.set(tables.lengthExtras, kernel.lengthExtrasAt());
  memory.set(tables.distanceSymbols, kernel.distanceSymbolsAt());
  memory.set(bytesOf(tables.distanceBases), kernel.distanceBasesAt());
  memory.set(tables.distanceExtras, kernel.distanceExtrasAt());
  const literalWords = new Uint32Array(buffer, kernel.literalsAt(), 288);
  const distanceWords = new Uint32Array(buffer, kernel.distancesAt(), 32);
  const inside = new Uint32Array(buffer, kernel.tokensAt(), MOST_TOKENS);
  const out = new Uint8Array(buffer, kernel.outAt(), MOST_BYTES);
  const packer: Packer = {
    held: 0,
    heldCount: 0,
    pack(tokens, count, literals, distances, take) {
      fillWords(literalWords, literals);
      fillWords(distanceWords, distances);
      kernel.start(packer.held, packer.heldCount);
      for (let at = 0; at < count; at += MOST_TOKENS) {
        const part = Math.min(MOST_TOKENS, count - at);
        inside.set(tokens.subarray(at, at + part));
        take(out.subarray(0, kernel.pack(part)));
      }
      packer.held = kernel.heldBits();
      packer.heldCount = kernel.heldBitCount();
    },
  };
  return packer;
}

function fillWords(words: Uint32Array, code: Code): void {
  words.fill(0);
  const { codes, lengths } = code;
  for (let symbol = 0; symbol < lengths.length; symbol++) {
    words[symbol] = codes[symbol]! | (lengths[symbol]! << 16);
  }
}

/** The bytes of 16-bit words, lowest first, whatever the machine's order. */
function bytesOf(words: Uint16Array): Uint8Array {
  const bytes = new Uint8Array(2 * words.length);
  words.forEach((word, index) => {
    bytes[2 * index] = word;
    bytes[2 * index + 1] = word >> 8;
  });
  return bytes;
}
