/**
 * Runs a layer's ops: the layer tar comes out piece by piece, made of regions of the base layers with single bytes
 * changed, of literal bytes and of predicted headers. Nothing here trusts the patch: every length and address is
 * compared with what is left before it is used (docs/format.md, "Ops").
 */
import type { RandomAccess } from '../bytes/access.ts';
import { MAX_VARINT_BYTES, unzigzag } from '../bytes/varint.ts';
import { openDecoder, type StreamDecoder } from '../codec/stream-decoder.ts';
import { corrupt } from '../errors.ts';
import {
  DELTA_STREAMS,
  OP_BINARY,
  OP_BITS,
  OP_HEADER,
  OP_REGION,
  STREAM_BINARY,
  STREAM_DIFFS,
  STREAM_GAPS,
  STREAM_HEADERS,
  STREAM_NAMES,
  STREAM_OPS,
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
import { isLow, type PlainReader, plainReader, takeNumber } from './plain-reader.ts';

/** Pieces are no longer; they are valid until the next is asked for. */
export const PIECE_BYTES = 1 << 18;

/** Gives the tar of `layer` from its streams and the base layers in one address space. Throws CORRUPT_INPUT. */
export async function* runProgram(
  layer: PatchLayer,
  streams: LayerStreams,
  base: RandomAccess,
): AsyncGenerator<Uint8Array> {
  const decoders: StreamDecoder[] = [];
  const readers = DELTA_STREAMS.map((stream) => {
    const info = layer.streams.find((each) => each.stream === stream);
    const what = `stream ${STREAM_NAMES[stream]}`;
    const decoder = openDecoder(info?.codec ?? 0, streams.pull(stream), what);
    decoders.push(decoder);
    return plainReader(decoder, info?.plainBytes ?? 0, what);
  });
  try {
    yield* run(layer.tarBytes, readers, base);
    for (const reader of readers) await reader.assertEnd();
  } finally {
    for (const decoder of decoders) decoder.close();
  }
}

async function* run(
  tarBytes: number,
  readers: readonly PlainReader[],
  base: RandomAccess,
): AsyncGenerator<Uint8Array> {
  const ops = readers[STREAM_OPS]!;
  const headers = readers[STREAM_HEADERS]!;
  const seek = seeker(readers[STREAM_SEEKS]!, base.sizeBytes);
  const patchBytes = differ(readers[STREAM_GAPS]!, readers[STREAM_DIFFS]!);
  const headerState = startHeaders();
  const out = outputBuffer(Math.min(PIECE_BYTES, tarBytes));
  let produced = 0;
  const assertFits = (length: number) => {
    if (length > tarBytes - produced)
      throw corrupt(`an op of ${length} bytes reaches past the layer's ${tarBytes} bytes`);
  };
  while (produced < tarBytes) {
    if (isLow(ops, MAX_VARINT_BYTES)) await ops.ensure(MAX_VARINT_BYTES);
    const head = takeNumber(ops, 'an op');
    const op = head % (1 << OP_BITS);
    const length = Math.floor(head / (1 << OP_BITS));
    if (op === OP_HEADER) {
      if (length !== 0) throw corrupt(`a header op has the length ${length}`);
      const padding = (HEADER_BYTES - (produced % HEADER_BYTES)) % HEADER_BYTES;
      assertFits(padding + HEADER_BYTES);
      const source = await seek(HEADER_BYTES);
      const baseHeader = new Uint8Array(HEADER_BYTES);
      base.readAt(source, baseHeader);
      await headers.ensure(MAX_CODED_HEADER_BYTES);
      const header = decodeTarHeaderDelta(baseHeader, headers, headerState);
      if (out.free < padding + HEADER_BYTES) yield out.flush();
      out.take(padding).fill(0);
      out.take(HEADER_BYTES).set(header);
      produced += padding + HEADER_BYTES;
      continue;
    }
    if (length === 0) throw corrupt('an op has no length');
    assertFits(length);
    if (op === OP_REGION) {
      const source = await seek(length);
      for (let done = 0; done < length; ) {
        if (out.free === 0) yield out.flush();
        const piece = out.take(Math.min(out.free, length - done));
        base.readAt(source + done, piece);
        await patchBytes.apply(piece);
        done += piece.length;
      }
    } else {
      const literals = readers[op === OP_BINARY ? STREAM_BINARY : STREAM_TEXT]!;
      for (let done = 0; done < length; ) {
        if (out.free === 0) yield out.flush();
        if (literals.available === 0) await literals.ensure(1);
        const count = Math.min(out.free, length - done, literals.available);
        if (count === 0) throw corrupt('the literals end before the ops do');
        out.take(count).set(literals.bytes.subarray(literals.position, literals.position + count));
        literals.position += count;
        done += count;
      }
    }
    produced += length;
  }
  patchBytes.assertEnd();
  if (out.filled > 0) yield out.flush();
}

/** Follows the source address: each op begins where the last one ended, plus a signed number. */
function seeker(seeks: PlainReader, baseBytes: number): (length: number) => Promise<number> {
  let expected = 0;
  return async (length) => {
    if (isLow(seeks, MAX_VARINT_BYTES)) await seeks.ensure(MAX_VARINT_BYTES);
    const source = expected + unzigzag(takeNumber(seeks, 'a seek'));
    if (!(source >= 0 && source + length <= baseBytes)) {
      throw corrupt(`an op reads ${length} bytes at ${source}, outside of the base's ${baseBytes} bytes`);
    }
    expected = source + length;
    return source;
  };
}

interface Differ {
  /** Adds the differences that fall into the next `piece.length` bytes of regions. */
  apply(piece: Uint8Array): Promise<void>;
  assertEnd(): void;
}

/** Gaps count the equal bytes before each byte that differs, over all regions of the layer as one run. */
function differ(gaps: PlainReader, diffs: PlainReader): Differ {
  let gap: number | undefined;
  const nextGap = async () => {
    if (isLow(gaps, MAX_VARINT_BYTES)) await gaps.ensure(MAX_VARINT_BYTES);
    return takeNumber(gaps, 'a gap');
  };
  return {
    async apply(piece) {
      gap ??= await nextGap();
      let at = 0;
      while (gap < piece.length - at) {
        at += gap;
        if (diffs.available === 0) await diffs.ensure(1);
        if (diffs.available === 0) throw corrupt('the differences end before the gaps do');
        piece[at]! += diffs.bytes[diffs.position]!;
        diffs.position++;
        at++;
        gap = gaps.available >= MAX_VARINT_BYTES ? takeNumber(gaps, 'a gap') : await nextGap();
      }
      gap -= piece.length - at;
    },
    assertEnd() {
      if (gap !== undefined && gap !== 0) throw corrupt(`the gaps reach ${gap} bytes past the last region`);
    },
  };
}

interface OutputBuffer {
  readonly free: number;
  readonly filled: number;
  take(count: number): Uint8Array;
  /** What was filled; the buffer is then used again. */
  flush(): Uint8Array;
}

function outputBuffer(size: number): OutputBuffer {
  const buffer = new Uint8Array(Math.max(size, 2 * HEADER_BYTES));
  let filled = 0;
  return {
    get free() {
      return buffer.length - filled;
    },
    get filled() {
      return filled;
    },
    take(count) {
      filled += count;
      return buffer.subarray(filled - count, filled);
    },
    flush() {
      const piece = buffer.subarray(0, filled);
      filled = 0;
      return piece;
    },
  };
}
