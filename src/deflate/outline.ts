/** From a scanned blob to the parts of its recipe that no engine decides: headers, events, odd trailers, the tail. */
import { crc32 } from 'node:zlib';
import { type RandomAccess, readPieces, readRange, sliceAccess } from '../bytes/access.ts';
import { gzipTrailer } from './gzip.ts';
import type { MemberEvent, Recipe } from './recipe.ts';
import type { ScannedBlob, ScannedMember } from './scan.ts';

/** A recipe but for its engine. */
export type Outline = Omit<Recipe, 'engine' | 'corrections'>;

/** More than this after the last member is no footer, and better carried with the whole blob. */
const LARGEST_TAIL = 1 << 20;

/** Reads the tar once, for the checksums of members. Throws LIMIT when too much follows the last member. */
export function outlineBlob(blob: RandomAccess, tar: RandomAccess, scanned: ScannedBlob): Outline {
  const buffer = new Uint8Array(1 << 16);
  const headers: Uint8Array[] = [];
  const indexByHeader = new Map<string, number>();
  const events: MemberEvent[] = [];
  const oddTrailers = new Map<number, Uint8Array>();
  scanned.members.forEach((member, index) => {
    const key = Buffer.from(member.header.bytes).toString('latin1');
    const header = indexByHeader.get(key) ?? headers.length;
    if (header === headers.length) {
      headers.push(member.header.bytes);
      indexByHeader.set(key, header);
    }
    if (index > 0) events.push({ plainOffset: member.plainStart, header });
    for (const plainOffset of member.flushes) events.push({ plainOffset, header: -1 });
    if (!hasUsualTrailer(tar, member, buffer)) oddTrailers.set(index, member.trailer);
  });
  const tailBytes = blob.sizeBytes - scanned.tailStart;
  return {
    blobBytes: blob.sizeBytes,
    plainBytes: tar.sizeBytes,
    headers,
    events,
    oddTrailers,
    tail: readRange(blob, scanned.tailStart, tailBytes, LARGEST_TAIL),
  };
}

function hasUsualTrailer(tar: RandomAccess, member: ScannedMember, buffer: Uint8Array): boolean {
  let crc = 0;
  for (const piece of readPieces(sliceAccess(tar, member.plainStart, member.plainBytes), buffer))
    crc = crc32(piece, crc);
  return Buffer.compare(gzipTrailer(crc, member.plainBytes), member.trailer) === 0;
}
