/** Runs of strings of JSON text, from plain to closed. Streams; nothing is held. */
import { corrupt } from '../../errors.ts';
import { BACKSLASH, ESCAPE, FIRST_PRINTED, KEPT_BACKSLASH, QUOTE, STRING_END } from './letters.ts';

/** Plain bytes that are closed at once; each takes two at most. */
const STEP_BYTES = 1 << 12;

/** `sink` gets the closed bytes, in pieces that are valid until it returns. Throws CORRUPT_INPUT for no plain form. */
export function closeStrings(sink: (piece: Uint8Array) => void) {
  const out = new Uint8Array(2 * STEP_BYTES);
  let isInside = false;
  const close = (bytes: Uint8Array): Uint8Array => {
    let made = 0;
    for (let i = 0; i < bytes.length; i++) {
      const byte = bytes[i]!;
      if (!isInside) {
        isInside = byte === QUOTE;
        out[made++] = byte;
      } else if (byte === STRING_END) {
        isInside = false;
        out[made++] = QUOTE;
      } else if (byte === KEPT_BACKSLASH) out[made++] = BACKSLASH;
      else {
        const letter = ESCAPE[byte]!;
        if (letter !== 0) out[made++] = BACKSLASH;
        else if (byte < FIRST_PRINTED) throw corrupt(`opened strings have a byte ${byte}`);
        out[made++] = letter === 0 ? byte : letter;
      }
    }
    return out.subarray(0, made);
  };
  return {
    write(bytes: Uint8Array) {
      for (let at = 0; at < bytes.length; at += STEP_BYTES) sink(close(bytes.subarray(at, at + STEP_BYTES)));
    },
    finish() {
      if (isInside) throw corrupt('opened strings end within a string');
    },
  };
}
