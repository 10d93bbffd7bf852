/**
 * Runs a layer's ops: the layer tar comes out piece by piece, made of regions of the base layers with single bytes
 * changed, of literal bytes and of predicted headers. Nothing here trusts the patch: every length and address is
 * compared with what is left before it is used (docs/format.md, "Ops").
 */
import type { RandomAccess } from '../bytes/access.ts';
import { openTempFile, type TempFile } from '../bytes/file.ts';
import { MAX_VARINT_BYTES, unzigzag } from '../bytes/varint.ts';
import { CODEC_STORED, openDecoder, type StreamDecoder } from '../codec/stream-decoder.ts';
import { corrupt } from '../errors.ts';
import {
  DELTA_STREAMS,
  OP_BINARY,
  OP_BITS,
  OP_HEADER,
  OP_REGION,
  OP_REPEAT,
  OP_TEXT,
  STREAM_BINARY,
  STREAM_DIFFS,
  STREAM_GAPS,
  STREAM_HEADERS,
  STREAM_NAMES,
  STREAM_OPS,
  STREAM_REPEATS,
  STREAM_SEEKS,
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
import { differ } from './differ.ts';
import { emit, outputBuffer } from './output-buffer.ts';
import { isLow, type PlainReader, plainReader, takeNumber } from './plain-reader.ts';

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
  const ops = readers[STREAM_OPS]!;
  const seek = seeker(readers[STREAM_SEEKS]!, () => base.sizeBytes, 'the base');
  const seekBack = seeker(readers[STREAM_REPEATS]!, () => history?.sizeBytes ?? 0, 'what was new');
  const differences = differ(readers[STREAM_GAPS]!, readers[STREAM_DIFFS]!);
  const nextHeader = headerReader(readers[STREAM_HEADERS]!, base, seek);
  const out = outputBuffer(Math.min(PIECE_BYTES, tarBytes));
  let produced = 0;
  while (produced < tarBytes) {
    if (isLow(ops, MAX_VARINT_BYTES)) await ops.ensure(MAX_VARINT_BYTES);
    const head = takeNumber(ops, 'an op');
    const op = head % (1 << OP_BITS);
    const given = Math.floor(head / (1 << OP_BITS));
    const padding = op === OP_HEADER ? (HEADER_BYTES - (produced % HEADER_BYTES)) % HEADER_BYTES : 0;
    const length = op === OP_HEADER ? padding + HEADER_BYTES : given;
    if ((given === 0) !== (op === OP_HEADER)) throw corrupt(`an op of code ${op} has the length ${given}`);
    if (length > tarBytes - produced) {
      throw corrupt(`an op of ${length} bytes reaches past the layer's ${tarBytes} bytes`);
    }
    produced += length;
    switch (op) {
      case OP_REGION: {
        const source = await seek(length);
        yield* emit(out, length, async (part, start) => {
          base.readAt(source + start, part);
          await differences.apply(part);
        });
        break;
      }
      case OP_BINARY:
      case OP_TEXT: {
        const literals = readers[op === OP_BINARY ? STREAM_BINARY : STREAM_TEXT]!;
        yield* emit(out, length, async (part) => {
          await readLiterals(literals, part);
          history?.append(part);
        });
        break;
      }
      case OP_HEADER: {
        const header = await nextHeader();
        if (out.free < length) yield out.flush();
        out.take(padding).fill(0);
        out.take(HEADER_BYTES).set(header);
        break;
      }
      case OP_REPEAT: {
        const source = await seekBack(length);
        yield* emit(out, length, async (part, start) => history!.readAt(source + start, part));
        break;
      }
      default:
        throw corrupt(`there is no op of code ${op}`);
    }
  }
  differences.assertEnd();
  if (out.filled > 0) yield out.flush();
}

async function readLiterals(literals: PlainReader, into: Uint8Array): Promise<void> {
  for (let done = 0; done < into.length; ) {
    if (literals.available === 0) await literals.ensure(1);
    const count = Math.min(into.length - done, literals.available);
    if (count === 0) throw corrupt('the literals end before the ops do');
    into.set(literals.bytes.subarray(literals.position, literals.position + count), done);
    literals.position += count;
    done += count;
  }
}

type Seek = (length: number) => Promise<number>;

/** Gives the next header, predicted from one of the base. */
function headerReader(headers: PlainReader, base: RandomAccess, seek: Seek): () => Promise<Uint8Array> {
  const state = startHeaders();
  const from = new Uint8Array(HEADER_BYTES);
  return async () => {
    base.readAt(await seek(HEADER_BYTES), from);
    if (isLow(headers, MAX_CODED_HEADER_BYTES)) await headers.ensure(MAX_CODED_HEADER_BYTES);
    return decodeTarHeaderDelta(from, headers, state);
  };
}

/** Follows a source address: each op begins where the last one ended, plus a signed number. */
function seeker(seeks: PlainReader, sizeBytes: () => number, what: string): Seek {
  let expected = 0;
  return async (length) => {
    if (isLow(seeks, MAX_VARINT_BYTES)) await seeks.ensure(MAX_VARINT_BYTES);
    const source = expected + unzigzag(takeNumber(seeks, 'a seek'));
    if (!(source >= 0 && source + length <= sizeBytes())) {
      throw corrupt(
        `an op reads ${length} bytes at ${source}, outside of the ${sizeBytes()} bytes of ${what}`,
      );
    }
    expected = source + length;
    return source;
  };
}
