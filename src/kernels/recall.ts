/**
 * The recalling coder, in a kernel where there is WebAssembly, in plain code where there is none: plain bytes in, coded
 * bytes out and the other way round, piece by piece (docs/coder.md, "The recalling coder").
 */
import { SQUASH, STRETCH } from './mix-tables.ts';
import {
  type RecallDecoder,
  type RecallEncoder,
  startPlainRecallDecoder,
  startPlainRecallEncoder,
} from './recall-plain.ts';
import { BIT_RATES, CELL_RATES, LENGTH_CLASSES, PAST_RATES, WORD_KINDS } from './recall-tables.ts';
import { WASM } from './recall-wasm.ts';
import { type KernelMemory, startKernel } from './wasm.ts';

/** No stream that is coded so is longer, plain. */
export const MAX_RECALL_BYTES = 2 ** 31 - 1;
export const MIN_RECALL_WINDOW_BITS = 16;
export const MAX_RECALL_WINDOW_BITS = 23;

/** What coding or decoding takes with a window of 2^windowBits bytes, the window included. */
export function recallMemoryBytes(windowBits: number): number {
  return (
    2 ** (windowBits - 3) * 2 +
    2 ** (windowBits - 5) * 4 * 3 +
    2 ** (windowBits - 7) * 32 +
    2 ** windowBits +
    (2 << 20)
  );
}

interface Exports {
  squashAt(): number;
  stretchAt(): number;
  ratesAt(): number;
  classesAt(): number;
  wordsAt(): number;
  codedAt(): number;
  plainAt(): number;
  memoryFor(windowBits: number): number;
  start(decodes: boolean, windowBits: number): void;
  room(): number;
  encode(count: number): number;
  finish(): number;
  begin(size: number): void;
  decode(size: number, isLast: boolean, count: number): number;
  usedBytes(): number;
  missingBytes(): number;
}

export function startRecallEncoder(windowBits: number): RecallEncoder {
  return startRecallEncoderKernel(windowBits) ?? startPlainRecallEncoder(windowBits);
}

export function startRecallDecoder(windowBits: number): RecallDecoder {
  return startRecallDecoderKernel(windowBits) ?? startPlainRecallDecoder(windowBits);
}

/** Undefined where there is no WebAssembly. */
export function startRecallEncoderKernel(windowBits: number): RecallEncoder | undefined {
  const started = start(false, windowBits);
  if (started === undefined) return undefined;
  const { kernel, memory } = started;
  return {
    encode(plain) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < plain.length; ) {
        const count = Math.min(kernel.room(), plain.length - at);
        memory.set(plain.subarray(at, at + count), kernel.plainAt());
        const size = kernel.encode(count);
        pieces.push(memory.slice(kernel.codedAt(), kernel.codedAt() + size));
        at += count;
      }
      return Buffer.concat(pieces);
    },
    finish() {
      const size = kernel.finish();
      return memory.slice(kernel.codedAt(), kernel.codedAt() + size);
    },
  };
}

/** Coded bytes that the kernel is given at once. */
const STEP_BYTES = 1 << 15;

/** Undefined where there is no WebAssembly. */
export function startRecallDecoderKernel(windowBits: number): RecallDecoder | undefined {
  const started = start(true, windowBits);
  if (started === undefined) return undefined;
  const { kernel, memory } = started;
  let hasBegun = false;
  const step = (coded: Uint8Array, isLast: boolean, most: number) => {
    const given = coded.subarray(0, STEP_BYTES);
    memory.set(given, kernel.codedAt());
    const made = kernel.decode(given.length, isLast && given.length === coded.length, most);
    return { made, usedBytes: kernel.usedBytes() };
  };
  const begin = (coded: Uint8Array): number => {
    const given = coded.subarray(0, 4);
    memory.set(given, kernel.codedAt());
    kernel.begin(given.length);
    hasBegun = true;
    return given.length;
  };
  return {
    get missingBytes() {
      return kernel.missingBytes();
    },
    decode(coded, isLast, most) {
      let usedBytes = 0;
      if (!hasBegun && (isLast || coded.length >= 4)) usedBytes = begin(coded);
      const pieces: Uint8Array[] = [];
      for (let left = most; hasBegun && left > 0; ) {
        const done = step(coded.subarray(usedBytes), isLast, Math.min(left, kernel.room()));
        if (done.made === 0) break;
        pieces.push(memory.slice(kernel.plainAt() - done.made, kernel.plainAt()));
        usedBytes += done.usedBytes;
        left -= done.made;
      }
      return { plain: pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces), usedBytes };
    },
  };
}

const PAGE_BYTES = 1 << 16;

function start(
  decodes: boolean,
  windowBits: number,
): { kernel: Exports & KernelMemory; memory: Uint8Array } | undefined {
  const kernel = startKernel<Exports & { memory: { grow(pages: number): number } }>(WASM);
  if (kernel === undefined) return undefined;
  const lacking = kernel.memoryFor(windowBits) - kernel.memory.buffer.byteLength;
  if (lacking > 0) kernel.memory.grow(Math.ceil(lacking / PAGE_BYTES));
  const memory = new Uint8Array(kernel.memory.buffer);
  const view = new DataView(kernel.memory.buffer);
  SQUASH.forEach((value, at) => {
    view.setInt16(kernel.squashAt() + 2 * at, value, true);
  });
  STRETCH.forEach((value, at) => {
    view.setInt16(kernel.stretchAt() + 2 * at, value, true);
  });
  [...PAST_RATES, ...CELL_RATES, ...BIT_RATES].forEach((value, at) => {
    view.setInt16(kernel.ratesAt() + 2 * at, value, true);
  });
  memory.set(LENGTH_CLASSES, kernel.classesAt());
  memory.set(WORD_KINDS, kernel.wordsAt());
  kernel.start(decodes, windowBits);
  return { kernel, memory };
}
