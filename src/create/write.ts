/** Writes the sections of a patch in order: header, documents, each layer's chunks interleaved, end. */
import { brotliCompressSync } from 'node:zlib';
import { readRange } from '../bytes/access.ts';
import type { PendingFile } from '../bytes/file.ts';
import type { ImageMetadata } from '../image/store.ts';
import {
  BLOB_CHUNK_BYTES,
  SECTION_DOCUMENTS,
  SECTION_END,
  SECTION_HEADER,
  SECTION_STREAM,
} from '../patch/format.ts';
import { encodeHeader, type PatchHeader } from '../patch/header.ts';
import { encodeStreamPayload, sectionFramer } from '../patch/sections.ts';
import { type CodedStream, interleave } from './entropy.ts';

export function writePatch(
  file: PendingFile,
  header: PatchHeader,
  metadata: ImageMetadata,
  streams: readonly (readonly CodedStream[])[],
): void {
  const framer = sectionFramer();
  file.append(framer.start());
  file.append(framer.section(SECTION_HEADER, encodeHeader(header)));
  const documents = [metadata.config, metadata.manifest, metadata.index].flatMap((each) => each?.bytes ?? []);
  file.append(framer.section(SECTION_DOCUMENTS, brotliCompressSync(Buffer.concat(documents))));
  for (const [layer, coded] of streams.entries()) {
    for (const { from, chunk } of interleave(coded)) {
      const bytes = readRange(from.coded, chunk.start, chunk.sizeBytes, BLOB_CHUNK_BYTES);
      file.append(framer.section(SECTION_STREAM, encodeStreamPayload(layer, chunk.stream, bytes)));
    }
  }
  file.append(framer.section(SECTION_END, new Uint8Array(0)));
}
