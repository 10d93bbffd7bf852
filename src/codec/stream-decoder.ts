/**
 * Decodes one entropy-coded stream of a patch by pulling: coded pieces are asked for only when no output is left, and
 * output is held back until it is taken, so a stream that expands enormously costs no more memory than an honest one.
 */
import { Buffer } from 'node:buffer';
import { type BrotliDecompress, createBrotliDecompress } from 'node:zlib';
import { corrupt, DidiffError } from '../errors.ts';

/** How a stream's bytes are coded (docs/format.md, "Codecs"). The numbers are on the wire. */
export const CODEC_STORED = 0;
export const CODEC_BROTLI = 1;
export type Codec = typeof CODEC_STORED | typeof CODEC_BROTLI;

/** Checks a codec number from a patch. Throws UNSUPPORTED naming it. */
export function parseCodec(value: number, what: string): Codec {
  if (value === CODEC_STORED || value === CODEC_BROTLI) return value;
  throw new DidiffError(
    'UNSUPPORTED',
    `${what} is coded with codec ${value}, which this version does not know`,
    {
      hint: 'Apply the patch with a newer version of didiff.',
    },
  );
}

/** The next coded piece, or undefined at the end. */
export type PullCoded = () => Promise<Uint8Array | undefined>;

export interface StreamDecoder {
  /** The next plain piece, or undefined at the end. Throws CORRUPT_INPUT when the coded bytes are damaged or go on past the end. */
  next(): Promise<Uint8Array | undefined>;
  close(): void;
}

/** `what` names the stream in errors. */
export function openDecoder(codec: Codec, pull: PullCoded, what: string): StreamDecoder {
  return codec === CODEC_STORED ? { next: pull, close() {} } : openBrotliDecoder(pull, what);
}

/** Output held back per stream. */
const OUTPUT_BYTES = 1 << 16;

function openBrotliDecoder(pull: PullCoded, what: string): StreamDecoder {
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
