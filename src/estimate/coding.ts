/**
 * What a program takes in a patch, without coding it as `create` does: sizes that a fast coder gives, each times what the
 * better coders make of it. All that goes by `create`'s coders and predictors stands here, as measured on pairs that
 * docs/estimates.md names; when those get better, `npm run estimates` shows it.
 */
import { encodeBrotli, windowBitsFor } from '../codec/stream-encoder.ts';
import { type CodeOptions, codeStreams } from '../create/entropy.ts';
import type { Program } from '../create/program.ts';
import { writeSeeks } from '../create/source-log.ts';
import {
  DELTA_STREAMS,
  STREAM_BINARY,
  STREAM_DIFFS,
  STREAM_GAPS,
  STREAM_HEADERS,
  STREAM_OPS,
  STREAM_REPEATS,
  STREAM_SEEKS,
  STREAM_TEXT,
} from '../patch/format.ts';

/** Qualities of brotli. Streams hold much that repeats from afar, which lower ones miss. */
export const QUICK_CODER = { forStreams: 7, forExecutables: 5 } as const;

/** By stream: what `create` takes of what the fast coder does. */
const CODED_PART: Readonly<Record<number, number>> = {
  [STREAM_OPS]: 0.785,
  [STREAM_SEEKS]: 0.88,
  [STREAM_GAPS]: 0.94,
  [STREAM_DIFFS]: 0.94,
  [STREAM_BINARY]: 0.83,
  [STREAM_TEXT]: 0.87,
  [STREAM_HEADERS]: 0.76,
  [STREAM_REPEATS]: 0.9,
};

/** What it takes of text in streams of this size or more, which it codes with another coder. */
const LONG_TEXT = { leastBytes: 1 << 20, part: 0.75 } as const;

/** What the header takes with nothing in it, and for each layer, coded, about. */
export const HEADER_BYTES = 470;
export const HEADER_LAYER_BYTES = 130;

/** Coded bytes by stream, as `create` codes them. Closes the program's streams. */
export async function codeExactly(program: Program, options: CodeOptions): Promise<readonly number[]> {
  try {
    writeSeeks(program.seeks, program.sources, (address) => address);
    const bytes = DELTA_STREAMS.map(() => 0);
    const coded = await codeStreams(program.streams, DELTA_STREAMS, 0, options);
    for (const { info, close } of coded) {
      bytes[info.stream] = info.codedBytes;
      close();
    }
    return bytes;
  } finally {
    for (const stream of program.streams) stream.close();
  }
}

/** Estimated coded bytes by stream. Closes the program's streams. */
export async function codeRoughly(
  program: Program,
  signal: AbortSignal | undefined,
): Promise<readonly number[]> {
  try {
    writeSeeks(program.seeks, program.sources, (address) => address);
    const coded: number[] = [];
    for (const stream of DELTA_STREAMS) {
      const plain = program.streams[stream]!.content();
      const settings = { quality: QUICK_CODER.forStreams, windowBits: windowBitsFor(plain.sizeBytes) };
      let bytes = 0;
      if (plain.sizeBytes > 0)
        for await (const piece of encodeBrotli(plain, settings, signal)) bytes += piece.length;
      const isLongText = stream === STREAM_TEXT && plain.sizeBytes >= LONG_TEXT.leastBytes;
      const part = isLongText ? LONG_TEXT.part : CODED_PART[stream]!;
      coded.push(Math.min(bytes, plain.sizeBytes) * part);
    }
    return coded;
  } finally {
    for (const stream of program.streams) stream.close();
  }
}

/** What of an executable its earlier version doesn't explain. */
export interface RoughMatch {
  /** Bytes in no region, coded fast. */
  readonly newBytes: number;
  readonly regions: number;
  /** Of one that is matched in place: bytes that differ. */
  readonly differing: number;
  /** What the ELF header says it runs on; CLASS_ARCHIVE where there is none. */
  readonly machine: number;
  /** Whether it was matched with more of its earlier version around, but more sparsely. */
  readonly isWide: boolean;
}

/**
 * What an executable takes, predicted, by its rough match. How many bytes differ in regions says nothing more: prediction
 * explains nearly all of them, however many they are; somewhat fewer in code for AArch64. Of an archive of Java classes it
 * makes most of what looks new, too: tables and maps.
 */
export function executableBytes({ newBytes, regions, machine, isWide }: RoughMatch): number {
  const bytes = isWide
    ? (0.7245 * newBytes + 8.05 * regions + 72) ** 0.977
    : (0.4388 * newBytes + 24.06 * regions + 49.2) ** 0.9744;
  return bytes * (machine === AARCH64 ? 1.25 : machine === CLASS_ARCHIVE ? 0.25 : 1);
}

/** Stands for a machine that ELF has no number for. */
export const CLASS_ARCHIVE = -1;

const AARCH64 = 183;

/** What one takes whose very content came before, in another file. */
export const REPEATED_EXECUTABLE_BYTES = 40;
