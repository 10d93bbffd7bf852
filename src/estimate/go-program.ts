/** Tells programs that Go's linker made by their section headers (ELF, "Sections"; Go's cmd/link names its tables). */
import { type RandomAccess, readRange } from '../bytes/access.ts';

const HEADER_BYTES = 64;
const CLASS_64 = 2;
const LITTLE_ENDIAN = 1;
const SECTION_HEADER_BYTES = 64;
/** Names of sections take some hundred bytes. */
const MOST_NAMES_BYTES = 1 << 16;
const GO_TABLE = '.gopclntab\0';

/** Whether an ELF file has Go's table of functions. False for whatever it can't read. */
export function isGoProgram(content: RandomAccess): boolean {
  if (content.sizeBytes < HEADER_BYTES) return false;
  const header = viewOf(readRange(content, 0, HEADER_BYTES, HEADER_BYTES));
  if (header.getUint8(4) !== CLASS_64 || header.getUint8(5) !== LITTLE_ENDIAN) return false;
  const names = Number(header.getBigUint64(40, true)) + header.getUint16(62, true) * SECTION_HEADER_BYTES;
  if (names + SECTION_HEADER_BYTES > content.sizeBytes) return false;
  const section = viewOf(readRange(content, names, SECTION_HEADER_BYTES, SECTION_HEADER_BYTES));
  const offset = Number(section.getBigUint64(24, true));
  const sizeBytes = Number(section.getBigUint64(32, true));
  if (sizeBytes > MOST_NAMES_BYTES || offset + sizeBytes > content.sizeBytes) return false;
  return Buffer.from(readRange(content, offset, sizeBytes, sizeBytes)).includes(GO_TABLE);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
