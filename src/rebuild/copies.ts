/**
 * Puts a blob together of stretches of the base's own blobs and of new bytes (docs/format.md, "Copies"). As with ops,
 * every length and address is compared with what is left before it is used.
 */
import type { RandomAccess } from '../bytes/access.ts';
import { MAX_VARINT_BYTES } from '../bytes/varint.ts';
import { openDecoder, type StreamDecoder } from '../codec/stream-decoder.ts';
import { corrupt } from '../errors.ts';
import { STREAM_BLOB, STREAM_COPIES, STREAM_NAMES } from '../patch/format.ts';
import type { PatchLayer } from '../patch/header.ts';
import type { LayerStreams } from '../patch/reader.ts';
import { seeker } from './ops.ts';
import { emit, type OutputBuffer, outputBuffer, outputMemory } from './output-buffer.ts';
import { isLow, type PlainReader, plainReader, takeNumber } from './plain-reader.ts';
import { PIECE_BYTES, readLiterals } from './program.ts';

/** Gives the blob of `layer`, in pieces that are valid until the next is asked for. Throws CORRUPT_INPUT. */
export async function* runCopies(
  layer: PatchLayer,
  streams: LayerStreams,
  baseBlobs: RandomAccess,
): AsyncGenerator<Uint8Array> {
  const decoders: StreamDecoder[] = [];
  const open = (stream: number) => {
    const info = layer.streams.find((each) => each.stream === stream);
    const what = `stream ${STREAM_NAMES[stream]}`;
    const decoder = openDecoder(info, streams.pull(stream), what, streams.getMixer);
    decoders.push(decoder);
    return plainReader(decoder, info?.plainBytes ?? 0, what);
  };
  const literals = open(STREAM_BLOB);
  const copies = open(STREAM_COPIES);
  try {
    yield* run(layer.blob?.sizeBytes ?? 0, literals, copies, baseBlobs);
    await literals.assertEnd();
    await copies.assertEnd();
  } finally {
    for (const decoder of decoders) decoder.close();
  }
}

/** Stretches of new bytes and copies take turns; a blob may end after either. */
async function* run(
  blobBytes: number,
  literals: PlainReader,
  copies: PlainReader,
  base: RandomAccess,
): AsyncGenerator<Uint8Array> {
  const seek = seeker(copies, "the base's blobs");
  const out: OutputBuffer = outputBuffer(outputMemory(Math.min(PIECE_BYTES, blobBytes)));
  let left = blobBytes;
  const nextLength = async (what: string) => {
    if (isLow(copies, MAX_VARINT_BYTES)) await copies.ensure(MAX_VARINT_BYTES);
    const length = takeNumber(copies, what);
    if (length > left) throw corrupt(`${what} of ${length} bytes reaches past the ${blobBytes} of its blob`);
    left -= length;
    return length;
  };
  while (left > 0) {
    const fresh = await nextLength('a stretch of new bytes');
    yield* emit(out, fresh, (part) => readLiterals(literals, part));
    if (left === 0) break;
    const copied = await nextLength('a copy');
    if (copied === 0) throw corrupt('a copy of 0 bytes');
    const source = await seek(copied, base.sizeBytes);
    yield* emit(out, copied, async (part, start) => base.readAt(source + start, part));
  }
  if (out.filled > 0) yield out.flush();
}
