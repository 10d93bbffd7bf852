/**
 * Runs a layer's ops: the layer tar comes out piece by piece, made of regions of the base layers with single bytes
 * changed, of literal bytes, of predicted headers and of predicted executables. Nothing here trusts the patch: every
 * length and address is compared with what is left before it is used (docs/format.md, "Ops").
 */
import { setImmediate } from 'node:timers/promises';
import type { RandomAccess } from '../bytes/access.ts';
import { openTempFile, type TempFile } from '../bytes/file.ts';
import { readAhead } from '../bytes/read-ahead.ts';
import { openDecoder, type StreamDecoder } from '../codec/stream-decoder.ts';
import { corrupt } from '../errors.ts';
import { openViews } from '../nested/views.ts';
import {
  DELTA_STREAMS,
  OP_BINARY,
  OP_EXECUTABLE,
  OP_HEADER,
  OP_PART,
  OP_REGION,
  OP_REPEAT,
  STREAM_BINARY,
  STREAM_DIFFS,
  STREAM_GAPS,
  STREAM_HEADERS,
  STREAM_NAMES,
  STREAM_REPEATS,
  STREAM_TEXT,
  STREAM_VIEWS,
} from '../patch/format.ts';
import type { PatchLayer } from '../patch/header.ts';
import type { LayerStreams } from '../patch/reader.ts';
import {
  decodeTarHeaderDelta,
  HEADER_BYTES,
  headerSize,
  MAX_CODED_HEADER_BYTES,
  startHeaders,
} from '../predict/tar-header.ts';
import { type Differ, differ } from './differ.ts';
import { type DigestBook, openDigestBook } from './digests.ts';
import { runExecutable } from './executable.ts';
import { type Fill, type MarkOp, opReader, type Soon } from './ops.ts';
import { emit, type OutputBuffer, outputBuffer, outputMemory } from './output-buffer.ts';
import { type PartTools, partCloser } from './parts.ts';
import { isLow, type PlainReader, plainReader } from './plain-reader.ts';
import { type ProgramTrace, tracedDecoder, tracedOps } from './trace.ts';

export interface RebuildOptions {
  readonly signal?: AbortSignal | undefined;
  readonly tempDirectory: string;
  /** As for `recreateBlob`. */
  readonly threads?: number | undefined;
  /** Is told where the bytes of the streams go. */
  readonly trace?: ProgramTrace | undefined;
}

/** Pieces are no longer; they are valid until the next is asked for. */
export const PIECE_BYTES = 1 << 18;
/** After so many the event loop is let in: that an abort is heard, and that memory that is given back is free. */
const BREATH_BYTES = 4 << 20;

/**
 * Gives the tar of `layer` from its streams and the base layers in one address space. Views, and new bytes that are
 * repeated later, go to scratch files in `tempDirectory`. Throws CORRUPT_INPUT.
 */
export async function* runProgram(
  layer: PatchLayer,
  streams: LayerStreams,
  base: RandomAccess,
  options: RebuildOptions,
): AsyncGenerator<Uint8Array> {
  const { tempDirectory, signal, trace } = options;
  const decoders: StreamDecoder[] = [];
  const open = (stream: number): PlainReader => {
    const info = layer.streams.find((each) => each.stream === stream);
    const what = `stream ${STREAM_NAMES[stream]}`;
    const decoder =
      streams.begun?.get(stream) ?? openDecoder(info, streams.pull(stream), what, streams.getMixer);
    decoders.push(decoder);
    return plainReader(tracedDecoder(decoder, stream, trace), info?.plainBytes ?? 0, what);
  };
  const owned: { close(): void }[] = [];
  try {
    let space = base;
    if (layer.viewBytes !== undefined) {
      const views = openViews(
        await readAll(open(STREAM_VIEWS)),
        layer.viewBytes,
        base,
        tempDirectory,
        signal,
        trace?.onView,
      );
      owned.push(views);
      space = views;
    }
    const readers = DELTA_STREAMS.map(open);
    let history: TempFile | undefined;
    if (layer.streams.some(({ stream }) => stream === STREAM_REPEATS)) {
      history = openTempFile(tempDirectory);
      owned.push(history);
    }
    yield* run(layer.tarBytes, readers, space, history, trace);
    for (const reader of readers) await reader.assertEnd();
  } finally {
    for (const decoder of decoders) decoder.close();
    for (const each of owned) each.close();
  }
}

/** The list of views, whose size is bounded by the header. */
async function readAll(reader: PlainReader): Promise<Uint8Array> {
  while (!reader.ended) await reader.ensure(reader.available + 1);
  return reader.bytes.subarray(reader.position);
}

async function* run(
  tarBytes: number,
  readers: readonly PlainReader[],
  base: RandomAccess,
  history: TempFile | undefined,
  trace: ProgramTrace | undefined,
): AsyncGenerator<Uint8Array> {
  const digests = openDigestBook();
  const ops = tracedOps(opReader(readers, base.sizeBytes, tarBytes, digests), trace);
  const differences = differ(readers[STREAM_GAPS]!, readers[STREAM_DIFFS]!, trace?.onDifference);
  const ahead = readAhead(base);
  const fill = filler(readers, ahead, history, differences);
  const nextHeader = headerReader(readers[STREAM_HEADERS]!, ahead);
  /** By depth. */
  const tools: PartTools[] = [];
  /** What the last header says of the size of its file. */
  let fileBytes: number | undefined;
  let handedOut = 0;
  let untilBreath = BREATH_BYTES;
  for await (const piece of level(tarBytes, 0)) {
    digests.see(handedOut, piece);
    handedOut += piece.length;
    untilBreath -= piece.length;
    yield piece;
    if (untilBreath > 0) continue;
    await setImmediate();
    untilBreath = BREATH_BYTES;
  }
  differences.assertEnd();

  /** Makes the layer, or the plain form of a part that lies `depth` deep in parts. */
  async function* level(sizeBytes: number, depth: number): AsyncGenerator<Uint8Array> {
    tools[depth] ??= {};
    const own = tools[depth];
    own.memory = outputMemory(Math.min(PIECE_BYTES, sizeBytes), own.memory);
    const out = outputBuffer(own.memory);
    const closePart = partCloser(own);
    let produced = 0;
    while (produced < sizeBytes) {
      const left = sizeBytes - produced;
      if (depth === 0 && digests.due <= produced) digests.see(produced - out.filled, out.waiting);
      const soon = ops.next(produced, left, depth);
      const op = soon instanceof Promise ? await soon : soon;
      if (op.code === OP_PART) {
        const start = produced;
        for await (const piece of closePart(op, start, level(op.length, depth + 1))) {
          produced += piece.length;
          if (produced > sizeBytes)
            throw corrupt(`a part at ${start} reaches past the ${sizeBytes} bytes it lies in`);
          yield* emit(out, piece.length, async (to, at) => to.set(piece.subarray(at, at + to.length)));
        }
      } else if (op.mark !== undefined) {
        markDigest(digests, op.mark, fileBytes, { produced, left, depth });
        continue;
      } else {
        produced += op.length;
        if (op.code === OP_HEADER) {
          const coming = nextHeader(op.source);
          const header = coming instanceof Promise ? await coming : coming;
          fileBytes = headerSize(header);
          if (out.free < op.length) yield out.flush();
          out.take(op.length - HEADER_BYTES).fill(0);
          out.take(HEADER_BYTES).set(header);
        } else if (op.text !== undefined) yield* emitText(out, op.text);
        else if (op.code === OP_EXECUTABLE) yield* runExecutable(op, ops, base, differences, fill, out);
        else if (op.length > out.free) yield* emit(out, op.length, (part, start) => fill(op, part, start));
        else {
          const filling = fill(op, out.take(op.length), 0);
          if (filling !== undefined) await filling;
        }
      }
      if (depth === 0) trace?.onMade(sizeBytes - left, produced, readers);
    }
    if (out.filled > 0) yield out.flush();
  }
}

/** Has the next bytes of the tar hashed: a file, or as many as the mark says. */
function markDigest(digests: DigestBook, mark: MarkOp, fileBytes: number | undefined, at: Place): void {
  const { produced, left, depth } = at;
  const sizeBytes = mark.sizeBytes ?? fileBytes ?? 0;
  if (depth > 0) throw corrupt('a digest is asked for of bytes that lie in a part');
  if (sizeBytes === 0 || sizeBytes > left)
    throw corrupt(`a digest is asked for of ${sizeBytes} bytes at ${produced}; ${left} are left`);
  digests.mark(mark.algorithm, produced, sizeBytes);
}

interface Place {
  readonly produced: number;
  readonly left: number;
  readonly depth: number;
}

function filler(
  readers: readonly PlainReader[],
  base: RandomAccess,
  history: TempFile | undefined,
  differences: Differ,
): Fill {
  const literals = (reader: PlainReader, part: Uint8Array): Promise<void> | undefined => {
    const reading = readLiterals(reader, part);
    if (reading !== undefined) return reading.then(() => history?.append(part));
    history?.append(part);
    return undefined;
  };
  return (op, part, start) => {
    if (op.code === OP_REGION) {
      base.readAt(op.source + start, part);
      return differences.apply(part);
    }
    if (op.code !== OP_REPEAT)
      return literals(readers[op.code === OP_BINARY ? STREAM_BINARY : STREAM_TEXT]!, part);
    history!.readAt(op.source + start, part);
    return undefined;
  };
}

/** Fills `into` with a stream's next bytes, mostly at once. Throws CORRUPT_INPUT when it has fewer. */
export function readLiterals(literals: PlainReader, into: Uint8Array): Promise<void> | undefined {
  if (literals.available < into.length) return waitForLiterals(literals, into);
  into.set(literals.bytes.subarray(literals.position, literals.position + into.length));
  literals.position += into.length;
  return undefined;
}

async function waitForLiterals(literals: PlainReader, into: Uint8Array): Promise<void> {
  for (let done = 0; done < into.length; ) {
    if (literals.available === 0) await literals.ensure(1);
    const count = Math.min(into.length - done, literals.available);
    if (count === 0) throw corrupt('the literals end before the ops do');
    into.set(literals.bytes.subarray(literals.position, literals.position + count), done);
    literals.position += count;
    done += count;
  }
}

async function* emitText(out: OutputBuffer, text: Uint8Array): AsyncGenerator<Uint8Array> {
  yield* emit(out, text.length, async (part, at) => part.set(text.subarray(at, at + part.length)));
}

/** Gives the next header, predicted from the one at an address of the base. */
function headerReader(headers: PlainReader, base: RandomAccess): (source: number) => Soon<Uint8Array> {
  const state = startHeaders();
  const from = new Uint8Array(HEADER_BYTES);
  const read = () => decodeTarHeaderDelta(from, headers, state);
  return (source) => {
    base.readAt(source, from);
    if (!isLow(headers, MAX_CODED_HEADER_BYTES)) return read();
    return headers.ensure(MAX_CODED_HEADER_BYTES).then(read);
  };
}
