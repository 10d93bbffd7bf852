/**
 * Runs a layer's ops: the layer tar comes out piece by piece, made of regions of the base layers with single bytes
 * changed, of literal bytes, of predicted headers and of predicted executables. Nothing here trusts the patch: every
 * length and address is compared with what is left before it is used (docs/format.md, "Ops").
 */
import type { RandomAccess } from '../bytes/access.ts';
import { openTempFile, type TempFile } from '../bytes/file.ts';
import { CODEC_STORED, openDecoder, type StreamDecoder } from '../codec/stream-decoder.ts';
import { corrupt } from '../errors.ts';
import {
  DELTA_STREAMS,
  OP_BINARY,
  OP_EXECUTABLE,
  OP_HEADER,
  OP_REGION,
  OP_REPEAT,
  STREAM_BINARY,
  STREAM_DIFFS,
  STREAM_GAPS,
  STREAM_HEADERS,
  STREAM_NAMES,
  STREAM_REPEATS,
  STREAM_TEXT,
} from '../patch/format.ts';
import type { PatchLayer } from '../patch/header.ts';
import type { LayerStreams } from '../patch/reader.ts';
import {
  decodeTarHeaderDelta,
  HEADER_BYTES,
  MAX_CODED_HEADER_BYTES,
  startHeaders,
} from '../predict/tar-header.ts';
import { type Differ, differ } from './differ.ts';
import { runExecutable } from './executable.ts';
import { type Fill, type Op, opReader } from './ops.ts';
import { emit, type OutputBuffer, outputBuffer } from './output-buffer.ts';
import { isLow, type PlainReader, plainReader } from './plain-reader.ts';

/** Pieces are no longer; they are valid until the next is asked for. */
export const PIECE_BYTES = 1 << 18;

/**
 * Gives the tar of `layer` from its streams and the base layers in one address space. New bytes that are repeated later
 * go to a scratch file in `tempDirectory`. Throws CORRUPT_INPUT.
 */
export async function* runProgram(
  layer: PatchLayer,
  streams: LayerStreams,
  base: RandomAccess,
  tempDirectory: string,
): AsyncGenerator<Uint8Array> {
  const decoders: StreamDecoder[] = [];
  const readers = DELTA_STREAMS.map((stream) => {
    const info = layer.streams.find((each) => each.stream === stream);
    const what = `stream ${STREAM_NAMES[stream]}`;
    const decoder = openDecoder(info?.codec ?? CODEC_STORED, streams.pull(stream), what);
    decoders.push(decoder);
    return plainReader(decoder, info?.plainBytes ?? 0, what);
  });
  const repeats = layer.streams.some(({ stream }) => stream === STREAM_REPEATS);
  const history = repeats ? openTempFile(tempDirectory) : undefined;
  try {
    yield* run(layer.tarBytes, readers, base, history);
    for (const reader of readers) await reader.assertEnd();
  } finally {
    for (const decoder of decoders) decoder.close();
    history?.close();
  }
}

async function* run(
  tarBytes: number,
  readers: readonly PlainReader[],
  base: RandomAccess,
  history: TempFile | undefined,
): AsyncGenerator<Uint8Array> {
  const ops = opReader(readers, base.sizeBytes);
  const differences = differ(readers[STREAM_GAPS]!, readers[STREAM_DIFFS]!);
  const fill = filler(readers, base, history, differences);
  const nextHeader = headerReader(readers[STREAM_HEADERS]!, base);
  const out = outputBuffer(Math.min(PIECE_BYTES, tarBytes));
  let produced = 0;
  while (produced < tarBytes) {
    const op = await ops.next(produced, tarBytes - produced);
    produced += op.length;
    if (op.code === OP_HEADER) yield* emitHeader(out, op, await nextHeader(op.source));
    else if (op.code === OP_EXECUTABLE) yield* runExecutable(op, ops, base, differences, fill, out);
    else yield* emit(out, op.length, (part, start) => fill(op, part, start));
  }
  differences.assertEnd();
  if (out.filled > 0) yield out.flush();
}

function filler(
  readers: readonly PlainReader[],
  base: RandomAccess,
  history: TempFile | undefined,
  differences: Differ,
): Fill {
  return async (op, part, start) => {
    if (op.code === OP_REGION) {
      base.readAt(op.source + start, part);
      await differences.apply(part);
    } else if (op.code === OP_REPEAT) history!.readAt(op.source + start, part);
    else {
      await readLiterals(readers[op.code === OP_BINARY ? STREAM_BINARY : STREAM_TEXT]!, part);
      history?.append(part);
    }
  };
}

/** Fills `into` with a stream's next bytes. Throws CORRUPT_INPUT when it has fewer. */
export async function readLiterals(literals: PlainReader, into: Uint8Array): Promise<void> {
  for (let done = 0; done < into.length; ) {
    if (literals.available === 0) await literals.ensure(1);
    const count = Math.min(into.length - done, literals.available);
    if (count === 0) throw corrupt('the literals end before the ops do');
    into.set(literals.bytes.subarray(literals.position, literals.position + count), done);
    literals.position += count;
    done += count;
  }
}

function* emitHeader(out: OutputBuffer, { length }: Op, header: Uint8Array): Generator<Uint8Array> {
  if (out.free < length) yield out.flush();
  out.take(length - HEADER_BYTES).fill(0);
  out.take(HEADER_BYTES).set(header);
}

/** Gives the next header, predicted from the one at an address of the base. */
function headerReader(headers: PlainReader, base: RandomAccess): (source: number) => Promise<Uint8Array> {
  const state = startHeaders();
  const from = new Uint8Array(HEADER_BYTES);
  return async (source) => {
    base.readAt(source, from);
    if (isLow(headers, MAX_CODED_HEADER_BYTES)) await headers.ensure(MAX_CODED_HEADER_BYTES);
    return decodeTarHeaderDelta(from, headers, state);
  };
}
