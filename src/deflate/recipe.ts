/**
 * A recipe on the wire (docs/gzip.md, "The recipe"): what turns a layer tar back into its exact gzip blob. Reading
 * checks everything that can be checked without the tar; every count is compared with what it may at most be.
 */
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { type Cursor, pushVarint, readVarint } from '../bytes/varint.ts';
import { corrupt, DidiffError } from '../errors.ts';
import type { EngineChoice } from './engines.ts';
import { TRAILER_BYTES } from './gzip.ts';

export const RECIPE_VERSION = 1;

/** Something that happens between two plain bytes. */
export interface MemberEvent {
  /** Plain bytes before it, over all members. */
  readonly plainOffset: number;
  /** −1: a flush. Otherwise the member ends, and the next begins with the header of this index. */
  readonly header: number;
}

export interface Recipe {
  readonly engine: EngineChoice;
  readonly blobBytes: number;
  readonly plainBytes: number;
  /** Headers of members; the first member has the first. */
  readonly headers: readonly Uint8Array[];
  /** In the order of their offsets. */
  readonly events: readonly MemberEvent[];
  /** Trailers that do not follow from the plain bytes, by the member's index. */
  readonly oddTrailers: ReadonlyMap<number, Uint8Array>;
  /** What follows the last member. */
  readonly tail: Uint8Array;
  /** Where the encoder strays from the engine; empty when it does not. */
  readonly corrections: Uint8Array;
}

/** Members and flushes a recipe may have: some, and one more for every so many plain bytes. */
const FREE_EVENTS = 4096;
const BYTES_PER_EVENT = 256;
const LARGEST_EVENT_BYTES = 12;
const MOST_PARAMETERS = 16;

export function encodeRecipe(recipe: Recipe): Uint8Array {
  const out: number[] = [RECIPE_VERSION];
  const { engine, headers } = recipe;
  pushVarint(out, engine.engine);
  pushVarint(out, engine.version);
  pushVarint(out, engine.parameters.length);
  for (const parameter of engine.parameters) pushVarint(out, parameter);
  pushVarint(out, recipe.blobBytes);
  pushVarint(out, recipe.plainBytes);
  pushVarint(out, headers.length);
  for (const header of headers) pushBytes(out, header);
  pushVarint(out, recipe.events.length);
  if (recipe.events.length > 0) pushEvents(out, recipe.events, headers.length);
  pushVarint(out, recipe.oddTrailers.size);
  let last = 0;
  for (const [member, trailer] of [...recipe.oddTrailers].sort(([a], [b]) => a - b)) {
    pushVarint(out, member - last);
    out.push(...trailer);
    last = member;
  }
  const parts = [Uint8Array.from(out), ...sized(recipe.tail), ...sized(recipe.corrections)];
  return new Uint8Array(Buffer.concat(parts));
}

/** Throws CORRUPT_INPUT for what is no recipe, UNSUPPORTED for one of a later version. */
export function decodeRecipe(bytes: Uint8Array): Recipe {
  const cursor: Cursor = { bytes, position: 0 };
  const version = readVarint(cursor, 'the version of a recipe');
  if (version !== RECIPE_VERSION) {
    throw new DidiffError(
      'UNSUPPORTED',
      `a recipe has version ${version}; this didiff reads ${RECIPE_VERSION}`,
      {
        hint: 'Use a newer didiff.',
      },
    );
  }
  const engine = readEngine(cursor);
  const blobBytes = readVarint(cursor, 'the blob size in a recipe');
  const plainBytes = readVarint(cursor, 'the plain size in a recipe');
  const headerCount = readCount(cursor, 'gzip headers', bytes.length);
  if (headerCount === 0) throw corrupt('a recipe has no gzip header; at least one is needed');
  const headers: Uint8Array[] = [];
  for (let index = 0; index < headerCount; index++) headers.push(readBytes(cursor, 'a gzip header'));
  const events = readEvents(cursor, headerCount, plainBytes);
  const oddTrailers = readTrailers(cursor, events);
  const tail = readBytes(cursor, 'the tail of a blob');
  const corrections = readBytes(cursor, 'the corrections of a blob');
  if (cursor.position !== bytes.length) {
    throw corrupt(`a recipe has ${bytes.length - cursor.position} bytes after its end`);
  }
  return { engine, blobBytes, plainBytes, headers, events, oddTrailers, tail, corrections };
}

function readEngine(cursor: Cursor): EngineChoice {
  const engine = readVarint(cursor, 'the engine of a recipe');
  const version = readVarint(cursor, 'the engine version of a recipe');
  const count = readCount(cursor, 'engine parameters', MOST_PARAMETERS);
  const parameters: number[] = [];
  for (let index = 0; index < count; index++) parameters.push(readVarint(cursor, 'an engine parameter'));
  return { engine, version, parameters };
}

/** Packed size (0 when packing does not help), then the events. */
function pushEvents(out: number[], events: readonly MemberEvent[], headerCount: number): void {
  const plain: number[] = [];
  let last = 0;
  for (const { plainOffset, header } of events) {
    pushVarint(plain, (plainOffset - last) * 2 + (header < 0 ? 0 : 1));
    if (header >= 0 && headerCount > 1) pushVarint(plain, header);
    last = plainOffset;
  }
  const bytes = Uint8Array.from(plain);
  const packed = brotliCompressSync(bytes, {
    params: { [constants.BROTLI_PARAM_LGWIN]: 18, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length },
  });
  const isSmaller = packed.length < bytes.length;
  pushVarint(out, isSmaller ? packed.length : 0);
  if (!isSmaller) pushVarint(out, bytes.length);
  for (const byte of isSmaller ? packed : bytes) out.push(byte);
}

function readEvents(cursor: Cursor, headerCount: number, plainBytes: number): MemberEvent[] {
  const most = FREE_EVENTS + Math.floor(plainBytes / BYTES_PER_EVENT);
  const count = readCount(cursor, 'members and flushes', most);
  if (count === 0) return [];
  const packedBytes = readVarint(cursor, 'the packed size of events');
  const bytes =
    packedBytes === 0
      ? readBytes(cursor, 'events')
      : unpack(takeBytes(cursor, packedBytes, 'packed events'), count * LARGEST_EVENT_BYTES);
  const inner: Cursor = { bytes, position: 0 };
  const events: MemberEvent[] = [];
  let plainOffset = 0;
  for (let index = 0; index < count; index++) {
    const value = readVarint(inner, 'the place of an event');
    plainOffset += Math.floor(value / 2);
    if (plainOffset > plainBytes) throw corrupt('a recipe has an event behind the last plain byte');
    const isMember = value % 2 === 1;
    const header = isMember && headerCount > 1 ? readVarint(inner, 'the header of a member') : 0;
    if (header >= headerCount) throw corrupt(`a recipe names gzip header ${header} of ${headerCount}`);
    events.push({ plainOffset, header: isMember ? header : -1 });
  }
  if (inner.position !== bytes.length) throw corrupt('a recipe has bytes after its last event');
  return events;
}

function unpack(packed: Uint8Array, mostBytes: number): Uint8Array {
  try {
    return brotliDecompressSync(packed, { maxOutputLength: Math.max(1, mostBytes) });
  } catch (cause) {
    throw corrupt('the packed events of a recipe are damaged', { cause });
  }
}

function readTrailers(cursor: Cursor, events: readonly MemberEvent[]): Map<number, Uint8Array> {
  let members = 1;
  for (const event of events) if (event.header >= 0) members++;
  const count = readCount(cursor, 'odd trailers', members);
  const trailers = new Map<number, Uint8Array>();
  let member = 0;
  for (let index = 0; index < count; index++) {
    member += readVarint(cursor, 'the member of an odd trailer');
    if (member >= members) throw corrupt(`a recipe has a trailer for member ${member} of ${members}`);
    trailers.set(member, takeBytes(cursor, TRAILER_BYTES, 'an odd trailer'));
  }
  return trailers;
}

function readCount(cursor: Cursor, what: string, most: number): number {
  const count = readVarint(cursor, `the number of ${what}`);
  if (count > most) throw corrupt(`a recipe has ${count} ${what}; ${most} is the most that is sensible here`);
  return count;
}

function readBytes(cursor: Cursor, what: string): Uint8Array {
  return takeBytes(cursor, readVarint(cursor, `the size of ${what}`), what);
}

function takeBytes(cursor: Cursor, count: number, what: string): Uint8Array {
  if (count > cursor.bytes.length - cursor.position) throw corrupt(`${what} in a recipe is cut short`);
  cursor.position += count;
  return cursor.bytes.subarray(cursor.position - count, cursor.position);
}

function pushBytes(out: number[], bytes: Uint8Array): void {
  pushVarint(out, bytes.length);
  for (const byte of bytes) out.push(byte);
}

function sized(bytes: Uint8Array): Uint8Array[] {
  const size: number[] = [];
  pushVarint(size, bytes.length);
  return [Uint8Array.from(size), bytes];
}
