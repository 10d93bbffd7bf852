/**
 * From plain to closed: makes one compressed part of a file out of its plain form, streaming. Whatever a patch says, no
 * more than a small multiple of what it may come to is held (docs/format.md, "Opened parts").
 */
import { crc32 } from 'node:zlib';
import type { ByteSink } from '../deflate/bits.ts';
import { createModel, type EngineChoice, guided } from '../deflate/engines.ts';
import { gzipHeaderSize, gzipTrailer } from '../deflate/gzip.ts';
import type { DeflateModel } from '../deflate/model.ts';
import { corrupt, DidiffError } from '../errors.ts';
import { type DeflateForm, FORM_GZIP, FORM_RAW, MAX_HELD_BYTES } from './forms.ts';
import {
  deflatedHeaderBytes,
  encodeDescriptor,
  encodeSums,
  hasDescriptor,
  LOCAL_BYTES,
  LOCAL_CHECKSUM,
  type Sums,
} from './zip.ts';

/** A part in the making: plain bytes go in, the sink gets the closed ones. */
export interface PartCloser {
  write(bytes: Uint8Array): void;
  /** To be called once after the last byte. */
  finish(): void;
}

/** An encoder that is used for one part after the other; its tables are too large to be made for each. */
export interface Deflater {
  /** Where the output goes from now on. */
  start(sink: ByteSink): void;
  write(bytes: Uint8Array): void;
  finish(): void;
}

/** Throws UNSUPPORTED or CORRUPT_INPUT for an engine that isn't there, or that can't do without corrections. */
export function openDeflater(engine: EngineChoice): Deflater {
  if (engine.engine === guided.engine) throw corrupt('a part is closed by an engine that takes corrections');
  let sink: ByteSink = () => {};
  let isUsed = false;
  const model: DeflateModel = createModel(engine, (piece) => sink(piece), new Uint8Array(0));
  return {
    start(to) {
      sink = to;
      if (isUsed) model.reset();
      isUsed = true;
    },
    write: (bytes) => model.write(bytes),
    finish: () => model.finish(),
  };
}

/** Closes a part of one of the forms with a DEFLATE stream. `onEntry` is told what a zip entry came to. */
export function closePart(
  form: DeflateForm,
  deflater: Deflater,
  sink: ByteSink,
  onEntry: (sums: Sums) => void,
): PartCloser {
  if (form === FORM_RAW) {
    deflater.start(sink);
    return deflater;
  }
  return behindHeader(form === FORM_GZIP ? gzipHeaderSize : entryHeaderSize, (header) =>
    form === FORM_GZIP ? closeGzip(header, deflater, sink) : closeEntry(header, deflater, sink, onEntry),
  );
}

/** Splits the plain bytes into a header, whose size shows in its first bytes, and the content. */
function behindHeader(
  sizeOf: (bytes: Uint8Array) => number | undefined,
  open: (header: Uint8Array) => PartCloser,
): PartCloser {
  let held: Uint8Array = new Uint8Array(0);
  let content: PartCloser | undefined;
  return {
    write(bytes) {
      if (content !== undefined) {
        content.write(bytes);
        return;
      }
      held = Buffer.concat([held, bytes]);
      const size = sizeOf(held);
      if (size === undefined || size > held.length) {
        if (held.length > MAX_HEADER_BYTES) throw corrupt('an opened part has no end of its header');
        return;
      }
      content = open(held.slice(0, size));
      if (held.length > size) content.write(held.subarray(size));
    },
    finish() {
      if (content === undefined) throw corrupt('an opened part ends within its header');
      content.finish();
    },
  };
}

/** More than any header has: a gzip header's fields, a local header's name and extra field. */
const MAX_HEADER_BYTES = 1 << 18;

function entryHeaderSize(bytes: Uint8Array): number | undefined {
  if (bytes.length < LOCAL_BYTES) return undefined;
  const size = deflatedHeaderBytes(bytes);
  if (size === undefined)
    throw corrupt('an opened zip entry does not begin with the header of a deflated entry');
  return size;
}

function closeGzip(header: Uint8Array, deflater: Deflater, sink: ByteSink): PartCloser {
  const content = summed(deflater);
  sink(header);
  deflater.start(sink);
  return {
    write: content.write,
    finish() {
      deflater.finish();
      sink(gzipTrailer(content.checksum, content.plainBytes));
    },
  };
}

/** With its sums behind, an entry streams; with its sums in front, what is compressed waits for them. */
function closeEntry(
  header: Uint8Array,
  deflater: Deflater,
  sink: ByteSink,
  onEntry: (sums: Sums) => void,
): PartCloser {
  const content = summed(deflater);
  const streams = hasDescriptor(header);
  const held: Uint8Array[] = [];
  let closedBytes = 0;
  if (streams) sink(header);
  deflater.start((piece) => {
    closedBytes += piece.length;
    if (streams) sink(piece);
    else if (closedBytes <= MAX_HELD_BYTES) held.push(piece.slice());
    else throw new DidiffError('LIMIT', `a zip entry has more than ${MAX_HELD_BYTES} bytes behind its sizes`);
  });
  return {
    write: content.write,
    finish() {
      deflater.finish();
      const sums: Sums = { checksum: content.checksum, closedBytes, plainBytes: content.plainBytes };
      if (streams) sink(encodeDescriptor(sums));
      else {
        header.set(encodeSums(sums), LOCAL_CHECKSUM);
        for (const piece of [header, ...held]) sink(piece);
      }
      onEntry(sums);
    },
  };
}

function summed(deflater: Deflater) {
  let checksum = 0;
  let plainBytes = 0;
  return {
    write(bytes: Uint8Array) {
      deflater.write(bytes);
      checksum = crc32(bytes, checksum);
      plainBytes += bytes.length;
    },
    get checksum() {
      return checksum;
    },
    get plainBytes() {
      return plainBytes;
    },
  };
}
