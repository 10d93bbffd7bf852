/**
 * Inflates a DEFLATE stream (RFC 1951) of which only the beginning is known, and finds its end. Memory is fixed, whatever
 * the stream expands to.
 */
import { inflateRawSync } from 'node:zlib';
import type { RandomAccess } from '../bytes/access.ts';
import { corrupt } from '../errors.ts';
import type { ByteSink } from './bits.ts';
import { FIRST_MATCH, MAX_MATCH, WINDOW_BYTES } from './codes.ts';
import { DeflateReader } from './reader.ts';

const BUFFER_BYTES = 4 * WINDOW_BYTES;
const BATCH_TOKENS = 1 << 12;
/** Streams of no more are inflated by zlib, as a whole: most entries of archives are so short. */
const SHORT_BYTES = 1 << 15;
const SHORT_PLAIN_BYTES = 1 << 19;

export interface Inflated {
  readonly plainBytes: number;
  /** The first byte behind the stream. */
  readonly end: number;
}

/** Buffers that are used again for every stream. */
export class Inflater {
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  readonly #tokens = new Uint32Array(BATCH_TOKENS);
  #reader: DeflateReader | undefined;
  #short: Uint8Array | undefined;
  /** Bytes in the buffer, of which those before `#sent` were handed out. */
  #used = 0;
  #sent = 0;
  #plainBytes = 0;
  #mostBytes = 0;
  #sink: ByteSink = () => {};

  /**
   * Inflates the stream at byte `start` of `source`. `sink` gets the plain bytes in pieces that are valid until it
   * returns. Throws CORRUPT_INPUT for what is no DEFLATE stream, or for one of more than `mostBytes` plain bytes.
   */
  inflate(source: RandomAccess, start: number, mostBytes: number, sink: ByteSink): Inflated {
    return (
      this.#inflateShort(source, start, mostBytes, sink) ?? this.#inflateAny(source, start, mostBytes, sink)
    );
  }

  /** Undefined when it is not short, or zlib finds fault with it: the other way says what with, or does without zlib. */
  #inflateShort(
    source: RandomAccess,
    start: number,
    mostBytes: number,
    sink: ByteSink,
  ): Inflated | undefined {
    if (mostBytes === 0 || start >= source.sizeBytes) return undefined;
    this.#short ??= new Uint8Array(SHORT_BYTES);
    const coded = this.#short.subarray(0, Math.min(SHORT_BYTES, source.sizeBytes - start));
    source.readAt(start, coded);
    let found: { readonly buffer: Uint8Array; readonly engine: { readonly bytesWritten: number } };
    try {
      // With `info`, node tells how much of the input it took.
      const options = { maxOutputLength: Math.min(mostBytes, SHORT_PLAIN_BYTES), info: true };
      found = inflateRawSync(coded, options) as unknown as typeof found;
    } catch {
      return undefined;
    }
    const { buffer, engine } = found;
    if (buffer.length > 0) sink(buffer);
    return { plainBytes: buffer.length, end: start + engine.bytesWritten };
  }

  #inflateAny(source: RandomAccess, start: number, mostBytes: number, sink: ByteSink): Inflated {
    this.#used = 0;
    this.#sent = 0;
    this.#plainBytes = 0;
    this.#mostBytes = mostBytes;
    this.#sink = sink;
    const reader = this.#reader ?? new DeflateReader(source, start);
    if (this.#reader !== undefined) reader.restart(source, start);
    this.#reader = reader;
    for (let isFinal = false; !isFinal; ) {
      const block = reader.readHeader();
      isFinal = block.isFinal;
      if (block.storedBytes > 0) this.#copyStored(source, reader.bytePosition, block.storedBytes);
      while (reader.inBlock) this.#expand(reader.readTokens(this.#tokens));
    }
    this.#hand();
    return { plainBytes: this.#plainBytes, end: reader.bytePosition };
  }

  #copyStored(source: RandomAccess, end: number, count: number): void {
    for (let left = count; left > 0; ) {
      this.#reserve(1);
      const part = Math.min(left, BUFFER_BYTES - this.#used);
      this.#count(part);
      source.readAt(end - left, this.#buffer.subarray(this.#used, this.#used + part));
      this.#used += part;
      left -= part;
    }
  }

  #expand(tokenCount: number): void {
    const buffer = this.#buffer;
    for (let index = 0; index < tokenCount; index++) {
      const token = this.#tokens[index]!;
      if (this.#used > BUFFER_BYTES - MAX_MATCH) this.#reserve(MAX_MATCH);
      if (token < FIRST_MATCH) {
        this.#count(1);
        buffer[this.#used++] = token;
        continue;
      }
      const length = token >>> 16;
      this.#count(length);
      const end = this.#used + length;
      for (let at = this.#used, from = at - (token & 0xffff); at < end; at++, from++)
        buffer[at] = buffer[from]!;
      this.#used = end;
    }
  }

  #count(bytes: number): void {
    this.#plainBytes += bytes;
    if (this.#plainBytes > this.#mostBytes)
      throw corrupt(`a DEFLATE stream expands to more than the ${this.#mostBytes} bytes it may`);
  }

  /** Makes room for `bytes`, keeping the window. */
  #reserve(bytes: number): void {
    if (this.#used <= BUFFER_BYTES - bytes) return;
    this.#hand();
    this.#buffer.copyWithin(0, this.#used - WINDOW_BYTES, this.#used);
    this.#used = WINDOW_BYTES;
    this.#sent = WINDOW_BYTES;
  }

  #hand(): void {
    if (this.#used > this.#sent) this.#sink(this.#buffer.subarray(this.#sent, this.#used));
    this.#sent = this.#used;
  }
}
