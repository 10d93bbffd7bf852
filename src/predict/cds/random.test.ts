/** The random numbers in archives of Java classes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesAccess } from '../../bytes/access.ts';
import { openOldBytes } from '../elf/old-bytes.ts';
import { identityHashOf, startIdentityHashes } from './identity.ts';
import { countSymbols, openSymbolNews } from './symbols.ts';

/** What a thread of the virtual machine draws, from what it begins with. */
function drawnFrom(first: number, count: number): number[] {
  const words = [BigInt(first), 842502087n, 0x8767n, 273326509n];
  const low = (word: bigint) => word & 0xffffffffn;
  return Array.from({ length: count }, () => {
    const t = low(words[0]! ^ (words[0]! << 11n));
    const drawn = low(words[3]! ^ (words[3]! >> 19n) ^ t ^ (t >> 8n));
    words.shift();
    words.push(drawn);
    return Number(drawn & 0x7fffffffn);
  });
}

test('once the first is known, of all other hashes at most the second is not', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.nat(0xfffff), (first, strange) => {
      const hashes = startIdentityHashes();
      expect(hashes.next()).toBe(-1);
      for (const [i, hash] of drawnFrom(first, 40).entries()) {
        if (i > 1) expect(hashes.next()).toBe(hash);
        hashes.see(hash);
        // One that was drawn elsewhere changes nothing.
        if (i > 2 && hashes.next() !== strange) hashes.see(strange);
      }
    }),
  );
});

test('a word is that of an object when it has a hash and nothing else', () => {
  expect(identityHashOf(0x12345601, 0x7f)).toBe(0x7f123456);
  expect(identityHashOf(0x00000101, 0)).toBe(1);
  for (const [low, high] of [
    [1, 0],
    [0x12345602, 1],
    [0x12345601, 0x80],
    [0x12345601, -1],
  ] as const)
    expect(identityHashOf(low, high)).toBe(0);
});

/** The first of JDK 17's own archive. */
const FIRST = '5b5a 5b43 5b46 5b44 5b42 5b53 5b49 5b4a'.split(' ');
const HASHES = [0xe99e, 0x99a9, 0x4bfa, 0x469b, 0x9102, 0x2a3b, 0xc3a9, 0xc037];

test('symbols are followed whatever pieces they come in, as far as their hashes are drawn in order', () => {
  const bytes = Buffer.alloc(64 + 8 * 70);
  for (const [i, text] of FIRST.entries()) {
    bytes.writeUInt16LE(0xffff, 8 * i);
    bytes.writeUInt16LE(HASHES[i]!, 8 * i + 2);
    bytes.writeUInt16LE(2, 8 * i + 4);
    bytes.write(text, 8 * i + 6, 'hex');
  }
  const region = { offset: 0, address: 0x1000, sizeBytes: bytes.length };
  // Too few to be sure of.
  expect(countSymbols(openOldBytes(bytesAccess(bytes)), region)).toBe(0);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 60 }), (sizes) => {
      const news = openSymbolNews(region, 0x800);
      let at = 0;
      for (const size of [...sizes, bytes.length]) {
        news.take(at, bytes.subarray(at, at + size));
        at = Math.min(bytes.length, at + size);
      }
      expect(news.place()).toBe(Number.POSITIVE_INFINITY);
      expect(Array.from({ length: news.offsets.length }, (_, i) => news.offsets.get(i))).toEqual(
        FIRST.map((_, i) => 0x800 + 8 * i),
      );
      expect(news.textHashes.get(0)).toBe(31 * 0x5b + 0x5a);
    }),
  );
});
