/**
 * Has the streams that take long to decode decoded by another thread, while this one makes what they are for. Each layer
 * may have it; the thread is there only as long as there is something for it.
 */
import { type ListedStream, openDecoder, type StreamDecoder } from '../codec/stream-decoder.ts';
import { type DecodeThread, openDecodeThread } from '../codec/threads/decode-thread.ts';
import { decodingWork } from '../codec/work.ts';
import { DELTA_STREAMS, STREAM_NAMES } from '../patch/format.ts';
import type { PatchLayer } from '../patch/header.ts';
import type { LayerStreams } from '../patch/reader.ts';

/** What a thread is worth its start and its memory for, as `decodingWork` counts it: a third of a second. */
const LEAST_WORK = 250_000;
/** Streams of less are decoded where they are wanted. */
const LEAST_STREAM_WORK = 4_000;
const STREAMS: readonly number[] = DELTA_STREAMS;

export interface DecodeAhead {
  /** Begins to decode what is slow of the layer at `position`, which is about to be made from these streams. */
  begin(position: number, streams: LayerStreams): LayerStreams;
  close(): Promise<void>;
}

/** Whether a thread is worth it for any of the layers when there are so many, if it has been said. */
export function wantsThread(layers: readonly PatchLayer[], threads: number | undefined): boolean {
  return layers.some((layer) => isWorthIt(layer, threads));
}

/**
 * `layers` has those that are made from ops, by their places in the target. Nothing is given away unless there are 2
 * `threads` or more: a thread takes memory, which small devices have less of than time.
 */
export function openDecodeAhead(
  layers: ReadonlyMap<number, PatchLayer>,
  threads: number | undefined,
): DecodeAhead {
  const waiting = new Map([...layers].filter(([, layer]) => isWorthIt(layer, threads)));
  let thread: DecodeThread | undefined;
  let closing: Promise<void> = Promise.resolve();
  const close = () => {
    closing = thread?.close() ?? closing;
    thread = undefined;
    return closing;
  };
  const onIdle = () => {
    if (waiting.size === 0) close();
  };
  return {
    begin(position, streams) {
      const layer = waiting.get(position);
      const { pull, pullAhead } = streams;
      if (layer === undefined || pullAhead === undefined) return streams;
      waiting.delete(position);
      thread ??= openDecodeThread(onIdle);
      if (thread === undefined) return streams;
      const begun = new Map<number, StreamDecoder>();
      for (const listed of slowStreams(layer, threads)) {
        const { stream } = listed;
        const what = `stream ${STREAM_NAMES[stream]}`;
        const source = { pull: pull(stream), pullAhead: pullAhead(stream) };
        const openHere = () => openDecoder(listed, source.pull, what, streams.getMixer);
        begun.set(stream, thread.open(listed, source, what, openHere));
      }
      return { ...streams, begun };
    },
    close,
  };
}

function isWorthIt(layer: PatchLayer, threads: number | undefined): boolean {
  return slowStreams(layer, threads).reduce((sum, each) => sum + decodingWork(each), 0) >= LEAST_WORK;
}

function slowStreams(
  { streams }: PatchLayer,
  threads: number | undefined,
): readonly (ListedStream & { readonly stream: number })[] {
  if (threads === undefined || threads < 2) return [];
  return streams.filter((each) => STREAMS.includes(each.stream) && decodingWork(each) >= LEAST_STREAM_WORK);
}
