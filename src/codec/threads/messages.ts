/** What the thread that decodes streams and the one that wants them tell each other. */
import type { MessagePort, Worker } from 'node:worker_threads';
import type { ErrorCode } from '../../errors.ts';
import type { ListedStream } from '../stream-decoder.ts';

/** One side's end. */
export interface Port<In, Out> {
  post(message: Out, transfer?: readonly ArrayBuffer[]): void;
  listen(listener: (message: In) => void): void;
}

export function portOf<In, Out>(end: MessagePort | Worker): Port<In, Out> {
  return {
    post: (message, transfer = []) => end.postMessage(message, transfer),
    listen(listener) {
      end.on('message', listener);
    },
  };
}

/** Plain bytes go through memory that both sides see, in slots of so many; what is larger comes as a message. */
export const SLOT_BYTES = 1 << 15;
const SLOTS = 24;

export function slotMemory(): SharedArrayBuffer {
  return new SharedArrayBuffer(SLOTS * SLOT_BYTES);
}

export function slotAt(memory: SharedArrayBuffer, slot: number): Uint8Array {
  return new Uint8Array(memory, slot * SLOT_BYTES, SLOT_BYTES);
}

export function slotsOf(memory: SharedArrayBuffer): number[] {
  return Array.from({ length: memory.byteLength / SLOT_BYTES }, (_, slot) => slot);
}

/** Coded pieces that are given before they are asked for: the side that has them may be busy when they are. */
export const AHEAD_PIECES = 8;

export type ToThread =
  | {
      readonly kind: 'open';
      readonly id: number;
      readonly listed: ListedStream;
      /** Names the stream in errors. */
      readonly what: string;
      readonly memory: SharedArrayBuffer | undefined;
    }
  /** The stream's next coded piece; it has no more when it is undefined. */
  | { readonly kind: 'coded'; readonly id: number; readonly piece: Uint8Array | undefined }
  | { readonly kind: 'free'; readonly id: number; readonly slot: number };

export type FromThread =
  | { readonly kind: 'ready' }
  /** A coded piece was taken. */
  | { readonly kind: 'taken'; readonly id: number }
  | { readonly kind: 'filled'; readonly id: number; readonly slot: number; readonly sizeBytes: number }
  | { readonly kind: 'whole'; readonly id: number; readonly bytes: Uint8Array }
  | { readonly kind: 'ended'; readonly id: number }
  | { readonly kind: 'failed'; readonly id: number; readonly code: ErrorCode; readonly message: string };
