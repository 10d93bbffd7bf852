/** Tries the mixing coder on a small stream: what of its two forms is smallest, where that is worth a reader's time. */
import { type RandomAccess, readRange } from '../bytes/access.ts';
import { CODEC_MIX_BYTES, CODEC_MIX_INTEGERS, type Codec } from '../codec/stream-decoder.ts';
import { MAX_MIX_BYTES, type Mixer } from '../kernels/mix.ts';
import { MIX_BYTES, MIX_INTEGERS } from '../kernels/mix-contexts.ts';
import {
  STREAM_COPIES,
  STREAM_GAPS,
  STREAM_HEADERS,
  STREAM_OPS,
  STREAM_REPEATS,
  STREAM_SEEKS,
  STREAM_VIEWS,
} from '../patch/format.ts';

/** Streams that hold integers, mostly: both forms are tried on them. */
const INTEGERS: readonly number[] = [
  STREAM_OPS,
  STREAM_SEEKS,
  STREAM_GAPS,
  STREAM_HEADERS,
  STREAM_REPEATS,
  STREAM_COPIES,
  STREAM_VIEWS,
];

/** Readers decode two megabytes a second of it: it has to save a part of what the other coder takes, and some bytes. */
const LEAST_SAVING = 1 / 64;
const LEAST_SAVING_BYTES = 16;

export interface MixedStream {
  readonly codec: Codec;
  readonly coded: Uint8Array;
}

/** The smallest of its forms; undefined when none is smaller than the stream, or when it is too long. */
export function mixStream(stream: number, plain: RandomAccess, mixer: Mixer): MixedStream | undefined {
  if (plain.sizeBytes > MAX_MIX_BYTES) return undefined;
  const bytes = readRange(plain, 0, plain.sizeBytes, MAX_MIX_BYTES);
  let best: MixedStream | undefined;
  const consider = (codec: Codec, coded: Uint8Array | undefined) => {
    if (coded !== undefined && coded.length < (best?.coded.length ?? bytes.length)) best = { codec, coded };
  };
  consider(CODEC_MIX_BYTES, mixer.encode(MIX_BYTES, bytes));
  if (INTEGERS.includes(stream)) consider(CODEC_MIX_INTEGERS, mixer.encode(MIX_INTEGERS, bytes));
  return best;
}

/**
 * Less than this part of a stream is so little that another coder may take a part of it; and what leaves more is
 * noise.
 */
const LEAST_SURE = 1 / 16;
const MOST_SURE = 15 / 16;

/** Whether no other coder is expected to take much less. */
export function isWellMixed({ coded }: MixedStream, plainBytes: number): boolean {
  return coded.length > plainBytes * LEAST_SURE && coded.length < plainBytes * MOST_SURE;
}

/** Whether it is worth a reader's time. `otherBytes` is what the stream takes without. */
export function isWorthMixing({ coded }: MixedStream, otherBytes: number): boolean {
  return coded.length < otherBytes - Math.max(LEAST_SAVING_BYTES, otherBytes * LEAST_SAVING);
}
