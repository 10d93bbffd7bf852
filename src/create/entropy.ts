/**
 * Codes a layer's streams and cuts them into chunks, each with the place in the layer where a reader needs it first: by
 * those the chunks of all streams are interleaved. What a chunk decodes to is found by decoding it.
 */
import { bytesAccess, type RandomAccess } from '../bytes/access.ts';
import { openTempFile, type TempFile } from '../bytes/file.ts';
import { type GetMixer, shareMixer } from '../codec/mix-decoder.ts';
import {
  CODEC_BROTLI,
  CODEC_RECALL,
  CODEC_STORED,
  type Codec,
  openBrotliDecoder,
} from '../codec/stream-decoder.ts';
import { type BrotliSettings, brotliSettings, encodeBrotli } from '../codec/stream-encoder.ts';
import type { StoreOptions } from '../image/store.ts';
import { STREAM_CHUNK_BYTES } from '../patch/format.ts';
import type { StreamInfo } from '../patch/header.ts';
import type { EarlyCoders } from './early-coder.ts';
import type { Effort } from './effort.ts';
import { isWellMixed, isWorthMixing, type MixedStream, mixStream } from './mix.ts';
import { type RecalledStream, recallStream } from './recall.ts';
import { runSideBySide } from './side-by-side.ts';
import type { Spool } from './spool.ts';
import type { LateThreads } from './threads/late-threads.ts';

export interface CodedChunk {
  readonly stream: number;
  /** Bytes of the layer that are there when the chunk is needed. */
  readonly neededAt: number;
  readonly start: number;
  readonly sizeBytes: number;
}

export interface CodedStream {
  readonly info: StreamInfo;
  readonly coded: RandomAccess;
  readonly chunks: readonly CodedChunk[];
  close(): void;
}

/** What coding needs to know besides what is coded. */
export interface CodeOptions extends StoreOptions {
  readonly effort: Effort;
  /** Streams are coded side by side by so many threads at most; what comes out does not depend on it. */
  readonly threads: number;
  /** Where streams may be coded already, before they were whole. */
  readonly early?: EarlyCoders | undefined;
  /** Absent where this thread does it all. */
  readonly lateThreads?: LateThreads | undefined;
}

/** The windows of coders that run at once, together: each takes some ten times as much memory. */
const CODER_WINDOWS_BYTES = 9 << 20;

/** Below the two best qualities, brotli takes tables of tens of megabytes for any window. */
function coderWeight({ quality, windowBits }: BrotliSettings): number {
  return quality < 10 ? CODER_WINDOWS_BYTES : 2 ** windowBits;
}

/** As windows: what is mixed, and mostly with nothing else, takes none. */
function streamWeight(sizeBytes: number, { brotli, mixedBytes, mixesAlone }: Effort): number {
  return mixesAlone && sizeBytes <= mixedBytes ? 0 : coderWeight(brotliSettings(sizeBytes, brotli));
}

/** Codes a stream in the way that makes it smallest, which may be to store it as it is. */
export async function codeStream(
  stream: number,
  spool: Spool,
  { tempDirectory, signal, effort, early, lateThreads }: CodeOptions,
  getMixer: GetMixer,
  onCoded?: (plainBytes: number) => void,
): Promise<CodedStream> {
  const plain = spool.content();
  const text = await recallStream(stream, plain, {
    mostBytes: effort.recalledTextBytes,
    tempDirectory,
    signal,
  });
  if (text !== undefined) {
    onCoded?.(plain.sizeBytes);
    return recalledStream(stream, text, spool);
  }
  const settings = brotliSettings(plain.sizeBytes, effort.brotli);
  const mixHere = async () => mixStream(stream, plain, getMixer());
  const mixing =
    plain.sizeBytes > effort.mixedBytes
      ? undefined
      : (lateThreads?.mix(stream, plain, mixHere) ?? { result: mixHere });
  const whole = ({ codec, coded }: MixedStream) =>
    wholeStream(stream, codec, plain.sizeBytes, coded, spool.neededAt(0));
  const alone = effort.mixesAlone ? await mixing?.result() : undefined;
  if (alone !== undefined && isWellMixed(alone, plain.sizeBytes)) {
    onCoded?.(plain.sizeBytes);
    return whole(alone);
  }
  const begun = await early?.take(spool);
  const file = begun ?? openTempFile(tempDirectory);
  try {
    if (begun !== undefined) onCoded?.(plain.sizeBytes);
    else for await (const piece of encodeBrotli(plain, settings, signal, onCoded)) file.append(piece);
    const otherBytes = Math.min(file.sizeBytes, plain.sizeBytes);
    const mixed = effort.mixesAlone ? alone : await mixing?.result();
    const isMixed = mixed !== undefined && isWorthMixing(mixed, otherBytes);
    const recalled = await recallStream(stream, plain, {
      mostBytes: effort.recalledBytes,
      otherBytes: isMixed ? mixed.coded.length : otherBytes,
      tempDirectory,
      signal,
    });
    if (recalled !== undefined) {
      file.close();
      return recalledStream(stream, recalled, spool);
    }
    if (isMixed) {
      file.close();
      return whole(mixed);
    }
    if (file.sizeBytes >= plain.sizeBytes) {
      file.close();
      return storedStream(stream, plain, (position) => spool.neededAt(position), STREAM_CHUNK_BYTES);
    }
    const info: StreamInfo = {
      stream,
      codec: CODEC_BROTLI,
      plainBytes: plain.sizeBytes,
      codedBytes: file.sizeBytes,
      windowBits: settings.windowBits,
    };
    return { info, coded: file, chunks: await placeChunks(stream, file, spool), close: () => file.close() };
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Codes these of a program's streams, empty ones left out. They are the caller's to close. */
export async function codeStreams(
  spools: readonly Spool[],
  wanted: readonly number[],
  position: number,
  options: CodeOptions,
): Promise<CodedStream[]> {
  const filled = wanted.filter((stream) => spools[stream]!.sizeBytes > 0);
  const totalBytes = filled.reduce((sum, stream) => sum + spools[stream]!.sizeBytes, 0);
  let doneBytes = 0;
  const onCoded = (plainBytes: number) => {
    doneBytes += plainBytes;
    options.onProgress?.({ phase: `coding layer ${position}`, doneBytes, totalBytes });
  };
  const getMixer = shareMixer();
  const jobs = filled.map((stream) => ({
    weight: streamWeight(spools[stream]!.sizeBytes, options.effort),
    run: () => codeStream(stream, spools[stream]!, options, getMixer, onCoded),
    undo: (coded: CodedStream) => coded.close(),
  }));
  return await runSideBySide(jobs, options.threads, CODER_WINDOWS_BYTES, options.signal);
}

function recalledStream(
  stream: number,
  { windowBits, coded, plainBefore }: RecalledStream,
  spool: Spool,
): CodedStream {
  const { sizeBytes: plainBytes } = spool;
  return {
    info: { stream, codec: CODEC_RECALL, plainBytes, codedBytes: coded.sizeBytes, windowBits },
    coded,
    chunks: cut(stream, coded.sizeBytes, STREAM_CHUNK_BYTES).map((chunk) => ({
      ...chunk,
      neededAt: spool.neededAt(plainBefore(chunk.start)),
    })),
    close: () => coded.close(),
  };
}

/** A stream that readers decode as a whole: they need all of it at once. */
function wholeStream(
  stream: number,
  codec: Codec,
  plainBytes: number,
  coded: Uint8Array,
  neededAt: number,
): CodedStream {
  return {
    info: { stream, codec, plainBytes, codedBytes: coded.length, windowBits: 0 },
    coded: bytesAccess(coded),
    chunks: cut(stream, coded.length, STREAM_CHUNK_BYTES).map((chunk) => ({ ...chunk, neededAt })),
    close() {},
  };
}

/** Bytes that no coder makes smaller, or that are few. They remain the caller's. */
export function storedStream(
  stream: number,
  bytes: RandomAccess,
  neededAt: (position: number) => number,
  chunkBytes: number,
): CodedStream {
  const chunks = cut(stream, bytes.sizeBytes, chunkBytes).map((chunk) => ({
    ...chunk,
    neededAt: neededAt(chunk.start),
  }));
  const { sizeBytes } = bytes;
  const info: StreamInfo = {
    stream,
    codec: CODEC_STORED,
    plainBytes: sizeBytes,
    codedBytes: sizeBytes,
    windowBits: 0,
  };
  return { info, coded: bytes, chunks, close() {} };
}

function cut(stream: number, sizeBytes: number, chunkBytes: number): Omit<CodedChunk, 'neededAt'>[] {
  const chunks: Omit<CodedChunk, 'neededAt'>[] = [];
  for (let start = 0; start < sizeBytes; start += chunkBytes) {
    chunks.push({ stream, start, sizeBytes: Math.min(chunkBytes, sizeBytes - start) });
  }
  return chunks;
}

/** A chunk is needed when everything that the chunks before it decode to has been read. */
async function placeChunks(stream: number, file: TempFile, spool: Spool): Promise<CodedChunk[]> {
  const chunks = cut(stream, file.sizeBytes, STREAM_CHUNK_BYTES);
  if (chunks.length === 1) return chunks.map((chunk) => ({ ...chunk, neededAt: 0 }));
  const placed: CodedChunk[] = [];
  let plainBytes = 0;
  const decoder = openBrotliDecoder(async () => {
    const chunk = chunks[placed.length];
    if (chunk === undefined) return undefined;
    placed.push({ ...chunk, neededAt: spool.neededAt(plainBytes) });
    const coded = new Uint8Array(chunk.sizeBytes);
    file.readAt(chunk.start, coded);
    return coded;
  }, `stream ${stream}`);
  try {
    for (let piece = await decoder.next(); piece !== undefined; piece = await decoder.next())
      plainBytes += piece.length;
  } finally {
    decoder.close();
  }
  return placed;
}

/** All chunks in the order a reader asks for them; of those needed at one place, the lower stream comes first. */
export function interleave(
  streams: readonly CodedStream[],
): { readonly from: CodedStream; readonly chunk: CodedChunk }[] {
  return streams
    .flatMap((from) => from.chunks.map((chunk) => ({ from, chunk })))
    .sort(
      (a, b) =>
        a.chunk.neededAt - b.chunk.neededAt ||
        a.chunk.stream - b.chunk.stream ||
        a.chunk.start - b.chunk.start,
    );
}
