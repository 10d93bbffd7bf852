/**
 * Runs of strings of JSON text, from closed to plain. Text in JSON has escape sequences for its line ends and quotes, so
 * that hardly a line of it matches the text that it was; in the plain form they are what they mean (docs/format.md,
 * "Strings").
 */
import { type RandomAccess, readPieces, readRange, sliceAccess } from '../../bytes/access.ts';
import { corrupt } from '../../errors.ts';
import {
  BACKSLASH,
  FIRST_PRINTED,
  isBetween,
  KEPT_BACKSLASH,
  MAX_BETWEEN_BYTES,
  MEANING,
  QUOTE,
  STRING_END,
} from './letters.ts';

/** Whether a run of strings may begin at `address`. */
export function isStrings(source: RandomAccess, address: number): boolean {
  return address < source.sizeBytes && readRange(source, address, 1, 1)[0] === QUOTE;
}

/** `sink` gets the plain form, in pieces that are valid until it returns. Gives its size, and where the run ends. */
export function openStrings(
  source: RandomAccess,
  address: number,
  mostBytes: number,
  sink: (piece: Uint8Array) => void,
): { readonly plainBytes: number; readonly end: number } {
  if (!isStrings(source, address)) throw corrupt(`there is no string at ${address}`);
  const reader = runReader(address);
  let plainBytes = 0;
  const closed = sliceAccess(source, address, source.sizeBytes - address);
  for (const piece of readPieces(closed, new Uint8Array(PIECE_BYTES))) {
    const made = reader.read(piece);
    plainBytes += made.length;
    if (plainBytes > mostBytes)
      throw corrupt(`the strings at ${address} come to more than the ${mostBytes} bytes that may be opened`);
    if (made.length > 0) sink(made);
    if (reader.isOver) break;
  }
  return { plainBytes, end: reader.finish() };
}

const PIECE_BYTES = 1 << 16;

/** Where the run is: between strings, in one, or in one behind a backslash. */
const BETWEEN = 0;
const INSIDE = 1;
const ESCAPED = 2;

function runReader(address: number) {
  const out = new Uint8Array(PIECE_BYTES + MAX_BETWEEN_BYTES);
  /** What stands behind the last string; it belongs to the run only if another follows. */
  const waiting = new Uint8Array(MAX_BETWEEN_BYTES);
  let waitingBytes = 0;
  let state = BETWEEN;
  let at = address;
  let isOver = false;
  return {
    get isOver() {
      return isOver;
    },
    /** The plain form of what of the run is in `piece`, valid until the next call. */
    read(piece: Uint8Array): Uint8Array {
      let made = 0;
      let i = 0;
      for (; i < piece.length; i++) {
        const byte = piece[i]!;
        if (state === INSIDE) {
          if (byte === BACKSLASH) state = ESCAPED;
          else if (byte === QUOTE) {
            out[made++] = STRING_END;
            state = BETWEEN;
          } else {
            if (byte < FIRST_PRINTED) throw badByte(byte, at + i);
            out[made++] = byte;
          }
        } else if (state === ESCAPED) {
          if (byte < FIRST_PRINTED) throw badByte(byte, at + i);
          const meant = MEANING[byte]!;
          if (meant === 0) out[made++] = KEPT_BACKSLASH;
          out[made++] = meant === 0 ? byte : meant;
          state = INSIDE;
        } else if (byte === QUOTE) {
          out.set(waiting.subarray(0, waitingBytes), made);
          made += waitingBytes;
          waitingBytes = 0;
          out[made++] = QUOTE;
          state = INSIDE;
        } else if (waitingBytes < MAX_BETWEEN_BYTES && isBetween(byte)) waiting[waitingBytes++] = byte;
        else {
          isOver = true;
          break;
        }
      }
      at += i;
      return out.subarray(0, made);
    },
    /** Gives where the last string ends. */
    finish(): number {
      if (state !== BETWEEN) throw corrupt(`the strings at ${address} are cut short`);
      return at - waitingBytes;
    },
  };
}

function badByte(byte: number, address: number) {
  return corrupt(`the byte ${byte} at ${address} can't stand in a string of JSON`);
}
