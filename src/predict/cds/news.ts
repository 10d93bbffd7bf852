/**
 * What becomes known of a new archive of Java classes while it is made: its symbols, which words are pointers, and
 * the hashes of its objects.
 */
import { releaseMemory } from '../../bytes/release.ts';
import { getI32, getU64 } from '../elf/bytes.ts';
import { type IdentityHashes, identityHashOf, startIdentityHashes } from './identity.ts';
import { type CdsHeader, type CdsRegion, endOfCore, isCorePointer, type PointerMap } from './model.ts';
import { openSymbolNews, type SymbolNews } from './symbols.ts';

/** A map of the new file, and what it is made of. */
export interface MadeMap {
  readonly map: PointerMap;
  readonly bytes: Uint8Array;
}

export interface CdsNews {
  /** The new header is known: before that nothing is. To be called once. */
  start(header: CdsHeader): void;
  /** What was given to `start`. */
  header(): CdsHeader | undefined;
  /** True bytes of the new file; those that were told before are passed over, and none may be left out. */
  take(start: number, bytes: Uint8Array): void;
  /** Undefined before the new header is known, and where there are none. */
  symbols(): SymbolNews | undefined;
  readonly hashes: IdentityHashes;
  /** The maps of the core regions, as the new words make them; none before the new header is known. */
  maps(): readonly MadeMap[];
  /** Gives its memory back. */
  close(): void;
}

/**
 * `symbolRegion` is the number of the core region that begins with symbols, or -1. Memory: up to 4 MiB and 16 MiB for
 * symbols.
 */
export function openCdsNews(symbolRegion: number): CdsNews {
  const hashes = startIdentityHashes();
  let header: CdsHeader | undefined;
  let symbols: SymbolNews | undefined;
  let maps: readonly MadeMap[] = [];
  /** The first byte that was not told yet. */
  let known = 0;
  let first = 0;
  let end = 0;

  const mark = (place: number, bytes: Uint8Array, at: number) => {
    if (!isCorePointer(getU64(bytes, at), first, end)) return;
    for (const { map, bytes: made } of maps) {
      const bit = (place - map.address) / 8;
      if (bit >= 0 && bit < map.bits) made[Math.floor(bit / 8)]! |= 1 << (bit % 8);
    }
  };
  const see = (_place: number, bytes: Uint8Array, at: number) => {
    const hash = identityHashOf(getI32(bytes, at), getI32(bytes, at + 4));
    if (hash !== 0) hashes.see(hash);
  };
  const takeWords = wordTaker();
  return {
    start(found) {
      header = found;
      const { core } = header;
      first = core[0]!.address;
      end = endOfCore(core);
      maps = header.coreMaps.map((map) => ({ map, bytes: new Uint8Array(Math.ceil(map.bits / 8)) }));
      const region = core[symbolRegion];
      if (region !== undefined) symbols = openSymbolNews(region, header.base);
    },
    header: () => header,
    take(start, bytes) {
      const from = Math.max(known, start);
      if (start + bytes.length <= from) return;
      known = start + bytes.length;
      if (header === undefined) return;
      const rest = bytes.subarray(from - start);
      for (const region of header.core) takeWords(region, from, rest, mark);
      for (const region of header.heap) takeWords(region, from, rest, see);
      symbols?.take(from, rest);
    },
    symbols: () => symbols,
    hashes,
    maps: () => maps,
    close: () => releaseMemory(maps.map(({ bytes }) => bytes)),
  };
}

/** Finds the whole words of regions in what comes piece by piece. */
function wordTaker() {
  /** The beginning of a word whose end is still to come. */
  const begun = new Uint8Array(8);
  return (
    { offset, address, sizeBytes }: CdsRegion,
    start: number,
    bytes: Uint8Array,
    take: (address: number, bytes: Uint8Array, at: number) => void,
  ) => {
    const shift = address - offset;
    const to = Math.min(start + bytes.length, offset + sizeBytes);
    let at = Math.max(start, offset);
    for (; at % 8 !== 0 && at < to; at++) {
      begun[at % 8] = bytes[at - start]!;
      if (at % 8 === 7) take(at - 7 + shift, begun, 0);
    }
    for (; at + 8 <= to; at += 8) take(at + shift, bytes, at - start);
    for (; at < to; at++) begun[at % 8] = bytes[at - start]!;
  };
}
