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

/** What it takes of larger streams, from which its coders learn more, or which get another coder. */
const CODED_PART_OF_LARGE: Readonly<Record<number, { readonly leastBytes: number; readonly part: number }>> =
  {
    [STREAM_GAPS]: { leastBytes: 1 << 18, part: 0.87 },
    [STREAM_DIFFS]: { leastBytes: 1 << 18, part: 0.87 },
    [STREAM_TEXT]: { leastBytes: 1 << 15, part: 0.7 },
  };

/** What the fast coder leaves more of is noise, partly: no coder makes that smaller. */
const NOISY = 0.75;

/** What `create` takes of a stream that the fast coder makes `codedBytes` of. */
export function bytesOf(stream: number, plainBytes: number, codedBytes: number): number {
  const large = CODED_PART_OF_LARGE[stream];
  const part = large !== undefined && plainBytes >= large.leastBytes ? large.part : CODED_PART[stream]!;
  const left = Math.min(1, codedBytes / Math.max(1, plainBytes));
  const noise = Math.max(0, (left - NOISY) / (1 - NOISY));
  return left * plainBytes * (part + (1 - part) * noise);
}

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
    const coded = DELTA_STREAMS.map(async (stream) => {
      const plain = program.streams[stream]!.content();
      const settings = { quality: QUICK_CODER.forStreams, windowBits: windowBitsFor(plain.sizeBytes) };
      let bytes = 0;
      if (plain.sizeBytes > 0)
        for await (const piece of encodeBrotli(plain, settings, signal)) bytes += piece.length;
      return bytesOf(stream, plain.sizeBytes, bytes);
    });
    return await Promise.all(coded);
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
}

/**
 * What an executable takes, predicted, by its rough match. How many bytes differ in regions says nothing more: prediction
 * explains nearly all of them, however many they are; somewhat fewer in code for AArch64. Of an archive of Java
 * classes it makes most of what looks new, too: tables and maps.
 */
export function executableBytes({ newBytes, regions, machine }: RoughMatch): number {
  if (machine === CLASS_ARCHIVE) return (0.7245 * newBytes + 8.05 * regions + 72) ** 0.977 / 4;
  const bytes = (0.4388 * newBytes + 24.06 * regions + 49.2) ** 0.9744;
  return bytes * (machine === AARCH64 ? 1.15 : 1);
}

/** Stands for a machine that ELF has no number for. */
export const CLASS_ARCHIVE = -1;

const AARCH64 = 183;

/** What `create` takes of a large executable, of what the quicker matching here leaves. */
export const BETTER_MATCHED_PART = 0.94;

/** And with its tables, which aren't looked at; Go's linker makes none that count. */
export const WITH_TABLES_PART = 1.12;

/** What a large one takes that is the same in place but for some bytes: mostly, the name of a build. */
export const HARDLY_CHANGED = { mostBytes: 256, takes: (differing: number) => 20 + differing / 2 };

/** What one takes whose very content came before, in another file. */
export const REPEATED_EXECUTABLE_BYTES = 40;
