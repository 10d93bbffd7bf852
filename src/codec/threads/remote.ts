/**
 * The side that wants streams: gives coded bytes away as they come, and hands out what comes back, as a decoder of its own
 * would. Until the other side has said that it is ready nothing is given, so that nothing is lost when it never is.
 */
import { DidiffError } from '../../errors.ts';
import type { CodedSource } from '../coded-source.ts';
import { CODEC_RECALL, type ListedStream, type StreamDecoder } from '../stream-decoder.ts';
import { openFeeder } from './feeder.ts';
import { AHEAD_PIECES, type FromThread, type Port, slotAt, slotMemory, type ToThread } from './messages.ts';
import { waiting } from './waiting.ts';

export interface RemoteDecoders {
  /** Begins to decode a stream, which `what` names in errors; `openHere` does it when nobody else can. */
  open(listed: ListedStream, source: CodedSource, what: string, openHere: () => StreamDecoder): StreamDecoder;
  /** To be called when the other side is gone: what it was at fails, or is done here if it never began. */
  lose(): void;
}

type Event =
  | FromThread
  /** The next piece is not read ahead: it has to be asked for. */
  | { readonly kind: 'stuck' }
  | { readonly kind: 'broken'; readonly error: unknown };

/** `onIdle` is told when the other side is done with all streams that were opened. */
export function connectDecoders(
  { post, listen }: Port<FromThread, ToThread>,
  onIdle: () => void,
): RemoteDecoders {
  const streams = new Map<number, (event: Event) => void>();
  /** Those that the other side is not done with; what it made of others may still wait here. */
  const decoded = new Set<number>();
  let count = 0;
  let isLost = false;
  let tellReady: () => void = () => {};
  const ready = new Promise<void>((resolve) => {
    tellReady = resolve;
  });
  listen((message) => {
    if (message.kind === 'ready') return tellReady();
    streams.get(message.id)?.(message);
    if (message.kind === 'ended' || message.kind === 'failed') leave(message.id);
  });
  const leave = (id: number) => {
    if (decoded.delete(id) && decoded.size === 0) onIdle();
  };

  return {
    open(listed, source, what, openHere) {
      const id = count++;
      const events = waiting<Event>();
      const memory = listed.codec === CODEC_RECALL ? slotMemory() : undefined;
      const feeder = openFeeder(source, {
        give: (piece) => post({ kind: 'coded', id, piece }),
        onStuck: () => events.put({ kind: 'stuck' }),
        onError: (error) => events.put({ kind: 'broken', error }),
      });
      streams.set(id, (event) => {
        if (event.kind === 'taken') feeder.grant(1);
        else events.put(event);
      });
      decoded.add(id);
      let here: StreamDecoder | undefined;
      const started = ready.then(() => {
        if (isLost) here = openHere();
        else {
          post({ kind: 'open', id, listed, what, memory });
          feeder.grant(AHEAD_PIECES);
        }
      });
      /** What was handed out last: it may be read until the next piece is there, and put behind what is left of it. */
      const held: number[] = [];
      const take = (slot: number, sizeBytes: number): Uint8Array => {
        held.push(slot);
        if (held.length > 2) post({ kind: 'free', id, slot: held.shift()! });
        return slotAt(memory!, slot).subarray(0, sizeBytes);
      };
      return {
        async next() {
          await started;
          if (here !== undefined) return await here.next();
          for (;;) {
            const event = await events.take();
            if (event.kind === 'filled') return take(event.slot, event.sizeBytes);
            if (event.kind === 'whole') return event.bytes;
            if (event.kind === 'stuck') await feeder.force();
            else if (event.kind === 'ended') {
              // It stays so.
              events.put(event);
              return undefined;
            } else throw failureOf(event, what);
          }
        },
        close() {
          feeder.stop();
          here?.close();
          streams.delete(id);
          leave(id);
        },
      };
    },
    lose() {
      isLost = true;
      tellReady();
      for (const [id, tell] of streams)
        tell({ kind: 'failed', id, code: 'INTERNAL', message: 'the thread that decodes ended too early' });
    },
  };
}

function failureOf(event: Event, what: string): unknown {
  if (event.kind === 'broken') return event.error;
  if (event.kind !== 'failed') return new DidiffError('INTERNAL', `${what} was not decoded: ${event.kind}`);
  const details = event.code === 'INTERNAL' ? { hint: 'Try again with --threads 1.' } : {};
  return new DidiffError(event.code, event.message, details);
}
