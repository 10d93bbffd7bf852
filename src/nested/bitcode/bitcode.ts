/**
 * LLVM bitcode, closed and plain. Its records are packed bit by bit, so that whatever changes shifts all bits behind it;
 * in the plain form every field begins with a byte of its own (docs/format.md, "Bitcode"; LLVM's "LLVM Bitcode File
 * Format"). A part is held as a whole, closed and plain; MAX_BITCODE_BYTES bounds both.
 */
import { type RandomAccess, readRange } from '../../bytes/access.ts';
import { holdOutput } from '../../deflate/held-output.ts';
import { corrupt } from '../../errors.ts';
import { readUint32 } from '../little-endian.ts';
import { readBits } from './read-bits.ts';
import { walkBitstream } from './walk.ts';
import { writeBits } from './write-bits.ts';

/** The most that a part of bitcode takes, closed or plain; larger ones are matched as they are. */
export const MAX_BITCODE_BYTES = 16 << 20;

/** Each is looked for by a read of its own. A module takes four. */
const MAX_OUTER_BLOCKS = 4096;

const MAGIC = Uint8Array.of(0x42, 0x43, 0xc0, 0xde);
/** A block's first word and its length. */
const BLOCK_HEADER_BYTES = 8;

/** Whether bitcode may begin at `address`. */
export function isBitcode(source: RandomAccess, address: number): boolean {
  if (source.sizeBytes - address < MAGIC.length + BLOCK_HEADER_BYTES) return false;
  return Buffer.compare(readRange(source, address, MAGIC.length, MAGIC.length), MAGIC) === 0;
}

/** `sink` gets the plain form, in pieces that are valid until it returns. Gives its size, and where the part ends. */
export function openBitcode(
  source: RandomAccess,
  address: number,
  mostBytes: number,
  sink: (piece: Uint8Array) => void,
): { readonly plainBytes: number; readonly end: number } {
  const end = findEnd(source, address);
  const bytes = readRange(source, address, end - address, MAX_BITCODE_BYTES);
  const most = Math.min(mostBytes, MAX_BITCODE_BYTES);
  let plainBytes = 0;
  const count = (piece: Uint8Array) => {
    plainBytes += piece.length;
    if (plainBytes > most) throw corrupt(`bitcode comes to more than the ${most} bytes that may be opened`);
    sink(piece);
  };
  const transport = readBits(bytes, MAGIC.length, count);
  walkBitstream(transport);
  transport.finish();
  return { plainBytes, end };
}

/** The outermost blocks follow each other; the part ends where no further one begins. */
function findEnd(source: RandomAccess, address: number): number {
  if (!isBitcode(source, address)) throw corrupt(`there is no bitcode at ${address}`);
  let at = address + MAGIC.length;
  let blocks = 0;
  while (source.sizeBytes - at >= BLOCK_HEADER_BYTES) {
    const header = readRange(source, at, BLOCK_HEADER_BYTES, BLOCK_HEADER_BYTES);
    if (!beginsBlock(readUint32(header, 0))) break;
    const end = at + BLOCK_HEADER_BYTES + 4 * readUint32(header, 4);
    if (end > source.sizeBytes) throw corrupt(`the bitcode at ${address} is cut short`);
    if (end - address > MAX_BITCODE_BYTES)
      throw corrupt(`the bitcode at ${address} has more than ${MAX_BITCODE_BYTES} bytes`);
    if (++blocks > MAX_OUTER_BLOCKS)
      throw corrupt(`the bitcode at ${address} has more than ${MAX_OUTER_BLOCKS} outermost blocks`);
    at = end;
  }
  if (blocks === 0) throw corrupt(`the bitcode at ${address} has no block`);
  return at;
}

/** A block's number of up to 7 bits, and abbreviation numbers of 2 to 7 bits; what else files have there is larger. */
function beginsBlock(word: number): boolean {
  return word % 4 === 1 && word < 1 << 13 && word >> 10 >= 2;
}

const FIRST_HELD_BYTES = 1 << 14;

/** Closes one part; it is handed out at its end, when the lengths of its blocks are known. */
export function closeBitcode(sink: (piece: Uint8Array) => void) {
  const held = holdOutput(FIRST_HELD_BYTES);
  let heldBytes = 0;
  return {
    write(bytes: Uint8Array) {
      heldBytes += bytes.length;
      if (heldBytes > MAX_BITCODE_BYTES)
        throw corrupt(`the plain form of bitcode has more than ${MAX_BITCODE_BYTES} bytes`);
      held.sink(bytes);
    },
    finish() {
      const plain = held.take();
      const transport = writeBits(plain, MAGIC, MAX_BITCODE_BYTES);
      walkBitstream(transport);
      sink(transport.finish());
    },
  };
}
