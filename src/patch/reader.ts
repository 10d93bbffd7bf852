/**
 * Reads a patch from front to back as it streams in: header and documents at once, then the coded streams of one
 * layer after the other. Chunks that come before they are wanted wait in a queue of bounded size.
 */
import { type CodedSource, LATER } from '../codec/coded-source.ts';
import { type GetMixer, shareMixer } from '../codec/mix-decoder.ts';
import type { PullCoded, StreamDecoder } from '../codec/stream-decoder.ts';
import { corrupt, DidiffError } from '../errors.ts';
import { assertConsistent, type PatchDocuments, parseDocuments } from './documents.ts';
import {
  MAX_QUEUED_BYTES,
  OPTIONAL_KINDS,
  SECTION_DOCUMENTS,
  SECTION_END,
  SECTION_HEADER,
  SECTION_STREAM,
} from './format.ts';
import type { PatchHeader } from './header.ts';
import { parseHeader } from './parse-header.ts';
import { parseStreamPayload, readSections, type Section } from './sections.ts';

export interface PatchReader {
  readonly header: PatchHeader;
  readonly documents: PatchDocuments;
  /**
   * Goes to a layer, of which only `streams` will be read; what comes of others is let go. Layers are read in ascending
   * order, and what was not read of those before is passed over.
   */
  enterLayer(position: number, streams: readonly number[]): Promise<LayerStreams>;
  /** Reads to the end of the patch, so that damage anywhere is found. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

export interface LayerStreams {
  /** Gives a stream's coded bytes piece by piece. A stream that the layer doesn't have, or that wasn't wanted, is empty. */
  pull(stream: number): PullCoded;
  /** The same for who reads ahead of need: gives LATER rather than have much of other streams wait. */
  readonly pullAhead?: (stream: number) => CodedSource['pullAhead'];
  /** Streams that somebody decodes already; the others are to be opened. */
  readonly begun?: ReadonlyMap<number, StreamDecoder>;
  /** The mixing coder of all layers: layers are made one after the other, and it takes 8 MiB. */
  readonly getMixer: GetMixer;
}

/** `pieces` may be a file or a download; `name` is what errors call it. Throws CORRUPT_INPUT or UNSUPPORTED. */
export async function openPatchReader(
  pieces: AsyncIterable<Uint8Array>,
  name?: string,
): Promise<PatchReader> {
  return await readPatch(readSections(pieces, name));
}

/** Reads a patch whose sections come from somewhere else, the first of them the header's. */
export async function readPatch(sections: AsyncGenerator<Section>): Promise<PatchReader> {
  try {
    const header = parseHeader((await nextSection(sections, SECTION_HEADER)).payload);
    const documents = parseDocuments(header, (await nextSection(sections, SECTION_DOCUMENTS)).payload);
    assertConsistent(header, documents);
    return layerReader(header, documents, sections);
  } catch (error) {
    await sections.return(undefined);
    throw error;
  }
}

/** The next section that isn't optional, which must be of this kind. */
async function nextSection(sections: AsyncGenerator<Section>, kind: number): Promise<Section> {
  for (;;) {
    const { value, done } = await sections.next();
    if (done) throw corrupt('the patch ends too early');
    if (value.kind >= OPTIONAL_KINDS) continue;
    if (value.kind !== kind) {
      throw corrupt(
        `the section at byte ${value.offset} is of kind ${value.kind}; kind ${kind} was expected`,
      );
    }
    return value;
  }
}

/** Who reads ahead stops when so many coded bytes wait. */
const AHEAD_BYTES = 1 << 20;

/** What is still to come of the layer being read. */
interface CurrentLayer {
  readonly position: number;
  readonly remaining: Map<number, number>;
  readonly queues: Map<number, Uint8Array[]>;
}

function layerReader(
  header: PatchHeader,
  documents: PatchDocuments,
  sections: AsyncGenerator<Section>,
): PatchReader {
  let current: CurrentLayer = { position: -1, remaining: new Map(), queues: new Map() };
  let queuedBytes = 0;
  let nextPosition = 0;
  let reading: Promise<void> | undefined;
  const getMixer = shareMixer();

  /** Reads one stream section into the current layer's queues. Several may wait for one; it is read once. */
  const readChunk = (): Promise<void> => {
    reading ??= takeChunk().finally(() => {
      reading = undefined;
    });
    return reading;
  };
  const takeChunk = async () => {
    const { layer, stream, coded } = parseStreamPayload(await nextSection(sections, SECTION_STREAM));
    const left = current.remaining.get(stream);
    if (layer !== current.position || left === undefined || coded.length === 0 || coded.length > left) {
      throw corrupt(`the patch has a chunk of stream ${stream} of layer ${layer} where none can be`);
    }
    current.remaining.set(stream, left - coded.length);
    const queue = current.queues.get(stream);
    if (queue === undefined) return;
    queue.push(coded);
    queuedBytes += coded.length;
    if (queuedBytes > MAX_QUEUED_BYTES) {
      throw new DidiffError(
        'LIMIT',
        `the patch's streams are badly interleaved: more than ${MAX_QUEUED_BYTES} bytes would have to wait`,
      );
    }
  };

  const startLayer = (position: number, wanted: readonly number[]) => {
    const { streams } = header.target.layers[position]!;
    current = {
      position,
      remaining: new Map(streams.map(({ stream, codedBytes }) => [stream, codedBytes])),
      queues: new Map(wanted.map((stream) => [stream, []])),
    };
    queuedBytes = 0;
  };

  const passOver = async () => {
    current.queues.clear();
    while ([...current.remaining.values()].some((left) => left > 0)) {
      await readChunk();
    }
  };

  const goTo = async (position: number) => {
    await passOver();
    for (; nextPosition < position; nextPosition++) {
      startLayer(nextPosition, []);
      await passOver();
    }
  };

  /** Whether the stream's next piece has yet to be read. */
  const isWaiting = ({ queues, remaining }: CurrentLayer, stream: number): boolean =>
    queues.get(stream)?.length === 0 && remaining.get(stream)! > 0;

  const takeQueued = ({ queues }: CurrentLayer, stream: number): Uint8Array | undefined => {
    const coded = queues.get(stream)?.shift();
    queuedBytes -= coded?.length ?? 0;
    return coded;
  };

  return {
    header,
    documents,
    async enterLayer(position, streams) {
      if (position < nextPosition || position >= header.target.layers.length) {
        throw new RangeError(`layer ${position} can't be read now; the next is ${nextPosition}`);
      }
      await goTo(position);
      startLayer(position, streams);
      nextPosition = position + 1;
      const entered = current;
      return {
        getMixer,
        pull: (stream) => async () => {
          while (isWaiting(entered, stream)) await readChunk();
          return takeQueued(entered, stream);
        },
        pullAhead: (stream) => async () => {
          while (isWaiting(entered, stream)) {
            if (queuedBytes >= AHEAD_BYTES) return LATER;
            await readChunk();
          }
          return takeQueued(entered, stream);
        },
      };
    },
    async finish() {
      await goTo(header.target.layers.length);
      await nextSection(sections, SECTION_END);
      await sections.next();
    },
    close: async () => {
      await sections.return(undefined);
    },
  };
}
