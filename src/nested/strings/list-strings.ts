/** Finds the runs of strings in a file of JSON text that are worth opening: those with many escape sequences. */
import { type RandomAccess, readPieces, readRange } from '../../bytes/access.ts';
import { BACKSLASH, FIRST_PRINTED, isBetween, MAX_BETWEEN_BYTES, QUOTE } from './letters.ts';

export interface StringRun {
  /** Where its first quote stands in the file. */
  readonly start: number;
  /** Behind its last quote. */
  readonly end: number;
}

/** Shorter runs cost more to be opened than they bring. */
const MIN_RUN_BYTES = 512;
/** Of a run that is opened, one byte of so many at least begins an escape sequence. */
const BYTES_PER_ESCAPE = 256;
/** Files of more such runs are left closed from there on. */
const MOST_RUNS = 1024;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;

/** Empty for a file that isn't JSON by its first byte, or has none that are worth it. */
export function listStrings(content: RandomAccess): readonly StringRun[] {
  if (content.sizeBytes < MIN_RUN_BYTES) return [];
  const first = readRange(content, 0, 1, 1)[0];
  if (first !== OPEN_BRACE && first !== OPEN_BRACKET) return [];
  const lister = runLister();
  for (const piece of readPieces(content, new Uint8Array(1 << 16))) {
    lister.read(piece);
    if (lister.isOver) break;
  }
  return lister.finish();
}

function runLister() {
  const runs: StringRun[] = [];
  let position = 0;
  let isInside = false;
  let isEscaped = false;
  let isOver = false;
  /** Of the run that is being read. */
  let start = -1;
  let end = 0;
  let escapes = 0;
  const closeRun = () => {
    const bytes = end - start;
    if (start >= 0 && bytes >= MIN_RUN_BYTES && escapes * BYTES_PER_ESCAPE >= bytes)
      runs.push({ start, end });
    start = -1;
    escapes = 0;
  };
  return {
    get isOver() {
      return isOver || runs.length >= MOST_RUNS;
    },
    read(piece: Uint8Array): void {
      for (let i = 0; i < piece.length; i++) {
        const byte = piece[i]!;
        if (isInside) {
          if (byte < FIRST_PRINTED) {
            // No JSON: what was found before may have been chance, but opens as well as any.
            isOver = true;
            start = -1;
            return;
          }
          if (isEscaped) isEscaped = false;
          else if (byte === BACKSLASH) {
            isEscaped = true;
            escapes++;
          } else if (byte === QUOTE) {
            isInside = false;
            end = position + i + 1;
          }
        } else if (byte === QUOTE) {
          isInside = true;
          if (start < 0) start = position + i;
        } else if (start >= 0 && (!isBetween(byte) || position + i - end >= MAX_BETWEEN_BYTES)) closeRun();
      }
      position += piece.length;
    },
    finish(): readonly StringRun[] {
      if (!isInside) closeRun();
      return runs;
    },
  };
}
