/** How long streams take to be decoded, so that it is known which are worth a thread. */
import { CODEC_RECALL, isMixed, type ListedStream } from './stream-decoder.ts';

/** The recalling coder is so many times as fast as the mixing one. */
const RECALL_SPEED = 16;

/** In bytes of the mixing coder, which take a microsecond and a half each; 0 for codecs that are decoded in no time. */
export function decodingWork({ codec, plainBytes }: ListedStream): number {
  if (codec === CODEC_RECALL) return plainBytes / RECALL_SPEED;
  return isMixed(codec) ? plainBytes : 0;
}
