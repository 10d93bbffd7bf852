/**
 * Decodes one entropy-coded stream of a patch by pulling: coded pieces are asked for only when no output is left, and
 * output is held back until it is taken, so a stream that expands enormously costs no more memory than an honest one.
 */
import { Buffer } from 'node:buffer';
import { type BrotliDecompress, createBrotliDecompress } from 'node:zlib';
import { corrupt, DidiffError } from '../errors.ts';
import { MAX_MIX_BYTES } from '../kernels/mix.ts';
import { MIX_BYTES, MIX_INTEGERS } from '../kernels/mix-contexts.ts';
import { MAX_RECALL_BYTES, MAX_RECALL_WINDOW_BITS, MIN_RECALL_WINDOW_BITS } from '../kernels/recall.ts';
import { type GetMixer, openMixDecoder } from './mix-decoder.ts';
import { openRecallDecoder } from './recall-stream.ts';

/** How a stream's bytes are coded (docs/format.md, "Codecs"). The numbers are on the wire. */
export const CODEC_STORED = 0;
export const CODEC_BROTLI = 1;
export const CODEC_MIX_BYTES = 2;
export const CODEC_MIX_INTEGERS = 3;
export const CODEC_RECALL = 4;
const CODECS = [CODEC_STORED, CODEC_BROTLI, CODEC_MIX_BYTES, CODEC_MIX_INTEGERS, CODEC_RECALL] as const;
export type Codec = (typeof CODECS)[number];

/** Whether the mixing coder codes a stream. */
export function isMixed(codec: Codec): boolean {
  return codec === CODEC_MIX_BYTES || codec === CODEC_MIX_INTEGERS;
}

/** Checks a codec number from a patch. Throws UNSUPPORTED naming it. */
export function parseCodec(value: number, what: string): Codec {
  const known = CODECS.find((codec) => codec === value);
  if (known !== undefined) return known;
  throw new DidiffError(
    'UNSUPPORTED',
    `${what} is coded with codec ${value}, which this version does not know`,
    {
      hint: 'Apply the patch with a newer version of didiff.',
    },
  );
}

/**
 * Whether a stream can be so many bytes, coded in so many with such a window: those of the mixing coder are short, and
 * neither its streams nor those of the recalling coder ever get longer.
 */
export function canBeCoded(
  codec: Codec,
  plainBytes: number,
  codedBytes: number,
  windowBits: number,
): boolean {
  if (codec === CODEC_STORED) return plainBytes === codedBytes;
  if (codec === CODEC_BROTLI) return true;
  if (codedBytes >= plainBytes) return false;
  if (codec !== CODEC_RECALL) return plainBytes <= MAX_MIX_BYTES;
  const hasWindow = windowBits >= MIN_RECALL_WINDOW_BITS && windowBits <= MAX_RECALL_WINDOW_BITS;
  return hasWindow && plainBytes <= MAX_RECALL_BYTES;
}

/** The next coded piece, or undefined at the end. */
export type PullCoded = () => Promise<Uint8Array | undefined>;

export interface StreamDecoder {
  /** The next plain piece, or undefined at the end. Throws CORRUPT_INPUT when the coded bytes are damaged or go on past the end. */
  next(): Promise<Uint8Array | undefined>;
  close(): void;
}

/** A stream as the header lists it; one that is not listed is empty. */
export interface ListedStream {
  readonly codec: Codec;
  readonly plainBytes: number;
  readonly windowBits: number;
}

/** `what` names the stream in errors; `getMixer` is asked by streams that are coded so. */
export function openDecoder(
  listed: ListedStream | undefined,
  pull: PullCoded,
  what: string,
  getMixer: GetMixer,
): StreamDecoder {
  switch (listed?.codec) {
    case CODEC_BROTLI:
      return openBrotliDecoder(pull, what);
    case CODEC_MIX_BYTES:
      return openMixDecoder(MIX_BYTES, listed.plainBytes, pull, what, getMixer);
    case CODEC_MIX_INTEGERS:
      return openMixDecoder(MIX_INTEGERS, listed.plainBytes, pull, what, getMixer);
    case CODEC_RECALL:
      return openRecallDecoder(listed.plainBytes, listed.windowBits, pull, what);
    default:
      return { next: pull, close() {} };
  }
}

/** Output held back per stream. */
const OUTPUT_BYTES = 1 << 16;

export function openBrotliDecoder(pull: PullCoded, what: string): StreamDecoder {
  const decoder = createBrotliDecompress({
    chunkSize: OUTPUT_BYTES,
    readableHighWaterMark: OUTPUT_BYTES,
  } as object);
  const state = watch(decoder);
  let inputEnded = false;
  let fedBytes = 0;
  const feed = async () => {
    const coded = await pull();
    if (coded === undefined) {
      inputEnded = true;
      decoder.end();
    } else {
      state.writing = true;
      fedBytes += coded.length;
      // The decoder reads the piece later; its owner may have reused the memory by then.
      decoder.write(Buffer.from(coded), () => {
        state.writing = false;
        state.wake();
      });
    }
  };
  return {
    async next() {
      for (;;) {
        if (state.error !== undefined)
          throw corrupt(`${what} is damaged: ${state.error.message}`, { cause: state.error });
        const piece = decoder.read() as Uint8Array | null;
        if (piece !== null) return piece;
        if (state.ended) {
          // zlib ends quietly at the end of the brotli data; what is left in its input, or still to come, would be lost.
          if (decoder.bytesWritten !== fedBytes || (!inputEnded && (await pull()) !== undefined)) {
            throw corrupt(`${what} goes on after its end`);
          }
          inputEnded = true;
          return undefined;
        }
        if (state.writing || inputEnded) await state.changed();
        else await feed();
      }
    },
    close: () => decoder.destroy(),
  };
}

interface DecoderState {
  writing: boolean;
  ended: boolean;
  error: Error | undefined;
  /** Resolves at the next event of the decoder. */
  changed(): Promise<void>;
  wake(): void;
}

function watch(decoder: BrotliDecompress): DecoderState {
  let happened = false;
  let waiting: (() => void) | undefined;
  const state: DecoderState = {
    writing: false,
    ended: false,
    error: undefined,
    changed() {
      if (happened) {
        happened = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        waiting = resolve;
      });
    },
    wake() {
      if (waiting === undefined) happened = true;
      const resolve = waiting;
      waiting = undefined;
      resolve?.();
    },
  };
  decoder.on('readable', state.wake);
  decoder.on('end', () => {
    state.ended = true;
    state.wake();
  });
  decoder.on('error', (error) => {
    state.error = error;
    state.wake();
  });
  return state;
}
