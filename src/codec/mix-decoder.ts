/**
 * Streams of the mixing coder: small ones, decoded as a whole when their first byte is asked for, and coded as a whole
 * (docs/coder.md). Guards that a stream uses its coded bytes to the last one, and no claim makes it larger than it may be.
 */
import { corrupt } from '../errors.ts';
import { MAX_MIX_BYTES, type Mixer, startMixer } from '../kernels/mix.ts';
import type { MixKind } from '../kernels/mix-contexts.ts';

type PullPiece = () => Promise<Uint8Array | undefined>;

/** Gives the one coder that all streams of a layer share; it takes its memory when it is first asked for. */
export type GetMixer = () => Mixer;

export function shareMixer(): GetMixer {
  let mixer: Mixer | undefined;
  return () => {
    mixer ??= startMixer();
    return mixer;
  };
}

/** `what` names the stream in errors. Throws CORRUPT_INPUT, at the first `next`. */
export function openMixDecoder(
  kind: MixKind,
  plainBytes: number,
  pull: PullPiece,
  what: string,
  getMixer: GetMixer,
): { next: PullPiece; close(): void } {
  let isDone = false;
  return {
    async next() {
      if (isDone) return undefined;
      isDone = true;
      if (plainBytes > MAX_MIX_BYTES)
        throw corrupt(`${what} claims ${plainBytes} bytes; coded so, a stream has at most ${MAX_MIX_BYTES}`);
      const coded = await gather(pull, plainBytes, what);
      const plain = new Uint8Array(plainBytes);
      const used = getMixer().decode(kind, coded, plain);
      if (used > coded.length) throw corrupt(`${what} is damaged: it is cut short`);
      if (used < coded.length) throw corrupt(`${what} goes on after its end`);
      return plain;
    },
    close() {},
  };
}

/** All coded bytes of a stream, which are fewer than its plain ones. */
async function gather(pull: PullPiece, plainBytes: number, what: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (let piece = await pull(); piece !== undefined; piece = await pull()) {
    size += piece.length;
    if (size >= plainBytes)
      throw corrupt(`${what} has ${size} coded bytes or more for ${plainBytes} plain ones`);
    pieces.push(Uint8Array.from(piece));
  }
  return Buffer.concat(pieces);
}
