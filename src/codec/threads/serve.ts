/** The side that decodes: each stream as it was asked for, as far as there is room for what comes out. */
import { setImmediate } from 'node:timers/promises';
import { toDidiffError } from '../../errors.ts';
import { shareMixer } from '../mix-decoder.ts';
import { openDecoder } from '../stream-decoder.ts';
import { type FromThread, type Port, SLOT_BYTES, slotAt, slotsOf, type ToThread } from './messages.ts';
import { type Waiting, waiting } from './waiting.ts';

interface Served {
  readonly coded: Waiting<Uint8Array | undefined>;
  readonly slots: Waiting<number>;
}

/** Serves until nobody asks any more. */
export function serveDecoding({ post, listen }: Port<ToThread, FromThread>): void {
  const streams = new Map<number, Served>();
  const getMixer = shareMixer();

  const serve = async ({ id, listed, what, memory }: ToThread & { readonly kind: 'open' }): Promise<void> => {
    const { coded, slots } = streams.get(id)!;
    const pull = async () => {
      const piece = await coded.take();
      post({ kind: 'taken', id });
      return piece;
    };
    const decoder = openDecoder(listed, pull, what, getMixer);
    for (let piece = await decoder.next(); piece !== undefined; piece = await decoder.next()) {
      if (memory === undefined || piece.length > SLOT_BYTES) {
        const bytes = Uint8Array.from(piece);
        post({ kind: 'whole', id, bytes }, [bytes.buffer]);
      } else {
        const slot = await slots.take();
        slotAt(memory, slot).set(piece);
        post({ kind: 'filled', id, slot, sizeBytes: piece.length });
      }
      // Others may have something to say meanwhile.
      await setImmediate();
    }
    post({ kind: 'ended', id });
  };

  listen((message) => {
    const { id } = message;
    if (message.kind === 'coded') streams.get(id)?.coded.put(message.piece);
    else if (message.kind === 'free') streams.get(id)?.slots.put(message.slot);
    else {
      const free = message.memory === undefined ? [] : slotsOf(message.memory);
      streams.set(id, { coded: waiting(), slots: waiting(free) });
      serve(message)
        .catch((thrown) => {
          const error = toDidiffError(thrown);
          post({ kind: 'failed', id, code: error.code, message: error.message });
        })
        .finally(() => streams.delete(id));
    }
  });
  post({ kind: 'ready' });
}
