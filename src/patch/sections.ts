/**
 * The framing of a patch file: magic, then sections of kind, length, payload and check. Each check covers all sections
 * before it, so damage, loss, repetition and reordering are all found at the section where they happen.
 */
import { createHash } from 'node:crypto';
import { MAX_VARINT_BYTES, pushVarint, readVarint } from '../bytes/varint.ts';
import { corrupt, DidiffError } from '../errors.ts';
import {
  CHECK_BYTES,
  FORMAT_VERSION,
  MAGIC,
  MAX_SECTION_BYTES,
  OPTIONAL_KINDS,
  SECTION_END,
  SECTION_STREAM,
} from './format.ts';

export interface Section {
  readonly kind: number;
  readonly payload: Uint8Array;
  /** Where the section begins in the file. */
  readonly offset: number;
  /** What it takes in the file, frame and check included. */
  readonly fileBytes: number;
}

/** Frames sections; the results are to be written one after the other. */
export interface SectionFramer {
  /** The magic and the format's version. */
  start(): Uint8Array;
  section(kind: number, payload: Uint8Array): Uint8Array;
}

export function sectionFramer(): SectionFramer {
  let check: Uint8Array = new Uint8Array(0);
  return {
    start() {
      const bytes = Uint8Array.of(...MAGIC, FORMAT_VERSION);
      check = checkOf(new Uint8Array(0), bytes, new Uint8Array(0));
      return bytes;
    },
    section(kind, payload) {
      const head: number[] = [kind];
      pushVarint(head, payload.length);
      const headBytes = Uint8Array.from(head);
      check = checkOf(check, headBytes, payload);
      return Buffer.concat([headBytes, payload, check]);
    },
  };
}

function checkOf(before: Uint8Array, head: Uint8Array, payload: Uint8Array): Uint8Array {
  return createHash('sha256').update(before).update(head).update(payload).digest().subarray(0, CHECK_BYTES);
}

/** A patch as it comes in: sections one after the other, and in bundles bytes without a frame behind them. */
export interface SectionReader {
  /**
   * The next section; its payload is the receiver's to keep. Throws CORRUPT_INPUT naming the section and its offset when
   * it is damaged or cut off, and UNSUPPORTED for what a newer version wrote.
   */
  next(): Promise<Section>;
  /** The next `count` bytes, a piece at a time, each valid until the next is asked for. Throws CORRUPT_INPUT at a cut. */
  bytes(count: number, what: string): AsyncGenerator<Uint8Array>;
  /** Throws CORRUPT_INPUT when anything comes behind. */
  assertEnd(): Promise<void>;
  close(): Promise<void>;
}

/** `name` is what errors call it. Nothing is read before the first call. */
export function openSections(pieces: AsyncIterable<Uint8Array>, name = 'the patch'): SectionReader {
  const input = byteQueue(pieces);
  const truncated = (what: string) =>
    corrupt(`${name} is cut off: it ends at byte ${input.offset}, inside ${what}`, { hint: FETCH_AGAIN });
  let check: Uint8Array | undefined;
  let index = 0;
  return {
    async next() {
      check ??= await readStart(input, name);
      const offset = input.offset;
      const what = `section ${index++} at byte ${offset}`;
      const head = await readHead(input, what, truncated);
      const rest = await input.take(head.length + CHECK_BYTES);
      if (rest === undefined) throw truncated(what);
      const payload = rest.subarray(0, head.length);
      check = checkOf(check, head.bytes, payload);
      if (Buffer.compare(check, rest.subarray(head.length)) !== 0) {
        throw corrupt(`${name} is damaged: ${what} does not have the digest it was written with`, {
          hint: FETCH_AGAIN,
        });
      }
      if (head.kind > SECTION_END && head.kind < OPTIONAL_KINDS) {
        throw new DidiffError(
          'UNSUPPORTED',
          `${what} is of kind ${head.kind}, which this version does not know`,
          {
            hint: 'Apply the patch with a newer version of didiff.',
          },
        );
      }
      if (head.kind === SECTION_END && head.length > 0)
        throw corrupt(`${what} ends the patch and is not empty`);
      return { kind: head.kind, payload, offset, fileBytes: input.offset - offset };
    },
    async *bytes(count, what) {
      for (let left = count; left > 0; ) {
        const piece = await input.takeSome(left);
        if (piece === undefined) throw truncated(what);
        left -= piece.length;
        yield piece;
      }
    },
    async assertEnd() {
      if ((await input.take(1)) === undefined) return;
      throw corrupt(`${name} goes on after its end at byte ${input.offset - 1}`, { hint: FETCH_AGAIN });
    },
    close: () => input.close(),
  };
}

/** Reads the sections of a patch to its end, as `SectionReader` does; nothing may come behind. */
export async function* readSections(
  pieces: AsyncIterable<Uint8Array>,
  name?: string,
): AsyncGenerator<Section> {
  yield* sectionsOf(openSections(pieces, name));
}

/** The sections from where `reader` is, which is closed when they are no longer wanted. */
export async function* sectionsOf(reader: SectionReader): AsyncGenerator<Section> {
  try {
    for (;;) {
      const section = await reader.next();
      yield section;
      if (section.kind === SECTION_END) break;
    }
    await reader.assertEnd();
  } finally {
    await reader.close();
  }
}

const FETCH_AGAIN = 'Copy or download the patch again; compare its size and checksum with where it was made.';

async function readStart(input: ByteQueue, name: string): Promise<Uint8Array> {
  const bytes = await input.take(MAGIC.length + 1);
  if (bytes === undefined || Buffer.compare(bytes.subarray(0, MAGIC.length), MAGIC) !== 0) {
    throw corrupt(`${name} is not a didiff patch: it does not begin with a patch's magic bytes`, {
      hint: 'Check the path; patches are made with `didiff create`.',
    });
  }
  const version = bytes[MAGIC.length]!;
  if (version !== FORMAT_VERSION) {
    throw new DidiffError(
      'UNSUPPORTED',
      `${name} has format version ${version}; this version of didiff reads ${FORMAT_VERSION}`,
      {
        hint: 'Apply the patch with a version of didiff that knows this format.',
      },
    );
  }
  return checkOf(new Uint8Array(0), bytes, new Uint8Array(0));
}

interface SectionHead {
  readonly kind: number;
  readonly length: number;
  readonly bytes: Uint8Array;
}

async function readHead(
  input: ByteQueue,
  what: string,
  truncated: (what: string) => DidiffError,
): Promise<SectionHead> {
  const bytes: number[] = [];
  do {
    const byte = await input.take(1);
    if (byte === undefined) throw truncated(bytes.length === 0 ? `${what} (no end section was read)` : what);
    bytes.push(byte[0]!);
  } while (bytes.length === 1 || (bytes.at(-1)! >= 0x80 && bytes.length <= MAX_VARINT_BYTES));
  const head = Uint8Array.from(bytes);
  const length = readVarint({ bytes: head, position: 1 }, `the length of ${what}`);
  if (length > MAX_SECTION_BYTES) {
    throw corrupt(`${what} claims ${length} bytes; at most ${MAX_SECTION_BYTES} are allowed`, {
      hint: FETCH_AGAIN,
    });
  }
  return { kind: head[0]!, length, bytes: head };
}

/** A stream section's payload: layer position, stream number, coded bytes. */
export function encodeStreamPayload(layer: number, stream: number, coded: Uint8Array): Uint8Array {
  const head: number[] = [];
  pushVarint(head, layer);
  pushVarint(head, stream);
  return Buffer.concat([Uint8Array.from(head), coded]);
}

export interface StreamChunk {
  readonly layer: number;
  readonly stream: number;
  readonly coded: Uint8Array;
}

export function parseStreamPayload(section: Section): StreamChunk {
  if (section.kind !== SECTION_STREAM)
    throw corrupt(`a stream section was expected at byte ${section.offset}`);
  const cursor = { bytes: section.payload, position: 0 };
  const layer = readVarint(cursor, 'a layer position');
  const stream = readVarint(cursor, 'a stream number');
  return { layer, stream, coded: section.payload.subarray(cursor.position) };
}

interface ByteQueue {
  /** Bytes taken so far. */
  readonly offset: number;
  /** Exactly `count` bytes, or undefined when the input ends before; never holds more than was asked for plus one piece. */
  take(count: number): Promise<Uint8Array | undefined>;
  /** From 1 to `count` bytes, valid until the next call; undefined at the end of the input. */
  takeSome(count: number): Promise<Uint8Array | undefined>;
  close(): Promise<void>;
}

function byteQueue(pieces: AsyncIterable<Uint8Array>): ByteQueue {
  const iterator = pieces[Symbol.asyncIterator]();
  let piece: Uint8Array = new Uint8Array(0);
  let offset = 0;
  return {
    get offset() {
      return offset;
    },
    async take(count) {
      // A copy: the piece's memory may be used again by its reader as soon as the next piece is asked for.
      const taken = new Uint8Array(count);
      for (let done = 0; done < count; ) {
        if (piece.length === 0) {
          const next = await iterator.next();
          if (next.done) {
            offset += done;
            return undefined;
          }
          piece = next.value;
          continue;
        }
        const part = piece.subarray(0, count - done);
        piece = piece.subarray(part.length);
        taken.set(part, done);
        done += part.length;
      }
      offset += count;
      return taken;
    },
    async takeSome(count) {
      while (piece.length === 0) {
        const next = await iterator.next();
        if (next.done) return undefined;
        piece = next.value;
      }
      const taken = piece.subarray(0, count);
      piece = piece.subarray(taken.length);
      offset += taken.length;
      return taken;
    },
    async close() {
      await iterator.return?.();
    },
  };
}
