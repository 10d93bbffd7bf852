/**
 * Finds long stretches of a layer's new bytes that were new once before, too far back for the entropy coder's window:
 * bundles, source maps and vendored copies repeat each other over many megabytes. They become one op each.
 */
import { openTempFile } from '../bytes/file.ts';
import { GEAR, GEAR_WINDOW_BYTES } from '../kernels/anchors.ts';

/** The coder does short ones better. */
const MIN_REPEAT_BYTES = 128;
/** Nearer ones are in the coder's window, which pays less for them. */
const MIN_DISTANCE_BYTES = 8 << 20;
/** One window in 2^5 is remembered. */
const SAMPLE_SHIFT = 32 - 5;
const FIRST_SLOTS = 1 << 12;
/** 8 bytes each; when they are full, what is new is not remembered any more. */
const MAX_SLOTS = 1 << 21;
/** New bytes go to the history in steps of this size. */
const STEP_BYTES = 1 << 16;

/** What a run of new bytes is made of: bytes that are new, or a stretch of the history. */
export type Stretch =
  | { readonly kind: 'new'; readonly bytes: Uint8Array }
  | { readonly kind: 'again'; readonly position: number; readonly length: number };

export interface RepeatFinder {
  /** Splits the next run of new bytes. Each stretch is valid until the next is asked for; all must be asked for. */
  split(run: Uint8Array): Generator<Stretch>;
  close(): void;
}

export function openRepeatFinder(tempDirectory: string): RepeatFinder {
  const history = openTempFile(tempDirectory);
  const table = anchorTable();
  const page = new Uint8Array(STEP_BYTES);

  /** How many bytes of `run` from `at` on stand at `position` of the history. */
  const equalForward = (run: Uint8Array, at: number, position: number): number => {
    let length = 0;
    for (;;) {
      const count = Math.min(page.length, run.length - at - length, history.sizeBytes - position - length);
      if (count <= 0) return length;
      const piece = page.subarray(0, count);
      history.readAt(position + length, piece);
      let i = 0;
      while (i < count && piece[i] === run[at + length + i]) i++;
      length += i;
      if (i < count) return length;
    }
  };
  const equalBackward = (run: Uint8Array, at: number, position: number, start: number): number => {
    const count = Math.min(at - start, position, page.length);
    const piece = page.subarray(0, count);
    if (count > 0) history.readAt(position - count, piece);
    let i = 0;
    while (i < count && piece[count - 1 - i] === run[at - 1 - i]) i++;
    return i;
  };

  return {
    *split(run) {
      /** Up to here the run is in the history, or came from it. */
      let done = 0;
      let hash = 0;
      for (let i = 0; i < run.length; i++) {
        hash = ((hash << 1) + GEAR[run[i]!]!) | 0;
        if (i - done >= STEP_BYTES + MIN_REPEAT_BYTES) {
          // What is left over keeps a backward extension possible.
          const bytes = run.subarray(done, i - MIN_REPEAT_BYTES);
          history.append(bytes);
          done += bytes.length;
          yield { kind: 'new', bytes };
        }
        const at = i + 1 - GEAR_WINDOW_BYTES;
        if (hash >>> SAMPLE_SHIFT !== 0 || at < done) continue;
        const known = table.find(hash);
        const here = history.sizeBytes + at - done;
        if (known === undefined) {
          table.add(hash, here);
          continue;
        }
        if (here - known < MIN_DISTANCE_BYTES) continue;
        const back = equalBackward(run, at, known, done);
        const length = back + equalForward(run, at, known);
        if (length < MIN_REPEAT_BYTES) continue;
        const bytes = run.subarray(done, at - back);
        history.append(bytes);
        if (bytes.length > 0) yield { kind: 'new', bytes };
        yield { kind: 'again', position: known - back, length };
        done = at - back + length;
        i = done - 1;
        hash = 0;
      }
      if (done < run.length) {
        const bytes = run.subarray(done);
        history.append(bytes);
        yield { kind: 'new', bytes };
      }
    },
    close: () => history.close(),
  };
}

interface AnchorTable {
  find(hash: number): number | undefined;
  add(hash: number, position: number): void;
}

/** Open addressing; positions are kept as 32-bit numbers, so histories beyond 4 GiB are remembered no further. */
function anchorTable(): AnchorTable {
  let hashes = new Int32Array(FIRST_SLOTS);
  let positions = new Uint32Array(FIRST_SLOTS);
  let count = 0;
  const slotOf = (hash: number): number => {
    let slot = (Math.imul(hash, 0x2545f491) >>> 7) & (hashes.length - 1);
    while (positions[slot] !== 0 && hashes[slot] !== hash) slot = (slot + 1) & (hashes.length - 1);
    return slot;
  };
  const grow = () => {
    const [oldHashes, oldPositions] = [hashes, positions];
    hashes = new Int32Array(oldHashes.length * 2);
    positions = new Uint32Array(oldHashes.length * 2);
    for (const [i, position] of oldPositions.entries()) {
      if (position === 0) continue;
      const slot = slotOf(oldHashes[i]!);
      hashes[slot] = oldHashes[i]!;
      positions[slot] = position;
    }
  };
  return {
    find(hash) {
      const position = positions[slotOf(hash)]!;
      return position === 0 ? undefined : position - 1;
    },
    add(hash, position) {
      if (position >= 0xffff_ffff || count * 2 >= MAX_SLOTS) return;
      if (count * 2 >= hashes.length) grow();
      const slot = slotOf(hash);
      hashes[slot] = hash;
      positions[slot] = position + 1;
      count++;
    },
  };
}
