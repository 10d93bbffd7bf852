/**
 * A binary range coder with adaptive probabilities, integers only. Encoder and decoder offer the same call, so that
 * one piece of code describes a stream in both directions: the encoder is told each bit, the decoder answers it.
 */
import { corrupt } from '../../errors.ts';

/** Probabilities that a bit is 0, each the mean of a fast and a slow estimate of 16 bits. */
export class Contexts {
  readonly fast: Uint16Array;
  readonly slow: Uint16Array;

  constructor(count: number) {
    this.fast = new Uint16Array(count).fill(1 << 15);
    this.slow = new Uint16Array(count).fill(1 << 15);
  }
}

export interface BitCoder {
  /** Codes one bit in a context; `bit` is what to encode, and ignored by a decoder. Returns the bit. */
  bit(contexts: Contexts, index: number, bit: number): number;
  /** Codes `count` (up to 16) bits that nothing is known about. */
  plain(count: number, value: number): number;
}

const TOP = 2 ** 24;
const FAST_RATE = 4;
const SLOW_RATE = 7;

function chance(contexts: Contexts, index: number): number {
  const mean = (contexts.fast[index]! + contexts.slow[index]!) >>> 5;
  return mean < 32 ? 32 : Math.min(mean, 4064);
}

function learn(contexts: Contexts, index: number, bit: number): void {
  const fast = contexts.fast[index]!;
  const slow = contexts.slow[index]!;
  if (bit === 0) {
    contexts.fast[index] = fast + ((65535 - fast) >> FAST_RATE);
    contexts.slow[index] = slow + ((65535 - slow) >> SLOW_RATE);
  } else {
    contexts.fast[index] = fast - (fast >> FAST_RATE);
    contexts.slow[index] = slow - (slow >> SLOW_RATE);
  }
}

export class BitEncoder implements BitCoder {
  readonly #out: number[] = [];
  #low = 0;
  #range = 0xffffffff;
  #cache = 0;
  #pending = 0;
  #started = false;

  /** Bytes made so far. */
  get sizeBytes(): number {
    return this.#out.length;
  }

  bit(contexts: Contexts, index: number, bit: number): number {
    const bound = (this.#range >>> 12) * chance(contexts, index);
    if (bit === 0) this.#range = bound;
    else {
      this.#low += bound;
      this.#range -= bound;
    }
    learn(contexts, index, bit);
    this.#normalise();
    return bit;
  }

  plain(count: number, value: number): number {
    for (let shift = count - 1; shift >= 0; shift--) {
      this.#range = Math.floor(this.#range / 2);
      if (((value >> shift) & 1) === 1) this.#low += this.#range;
      this.#normalise();
    }
    return value;
  }

  finish(): Uint8Array {
    for (let count = 0; count < 5; count++) this.#shift();
    let size = this.#out.length;
    // The decoder reads zeros behind the end.
    while (size > 0 && this.#out[size - 1] === 0) size--;
    return Uint8Array.from(this.#out.slice(0, size));
  }

  #normalise(): void {
    while (this.#range < TOP) {
      this.#range *= 256;
      this.#shift();
    }
  }

  /** Sends the top byte of `low`, once it is known whether a carry reaches it. */
  #shift(): void {
    if (this.#low < 0xff000000 || this.#low >= 2 ** 32) {
      const carry = this.#low >= 2 ** 32 ? 1 : 0;
      if (this.#started) this.#out.push((this.#cache + carry) & 0xff);
      this.#started = true;
      for (; this.#pending > 0; this.#pending--) this.#out.push((0xff + carry) & 0xff);
      this.#cache = Math.floor(this.#low / TOP) & 0xff;
    } else this.#pending++;
    this.#low = (this.#low % TOP) * 256;
  }
}

export class BitDecoder implements BitCoder {
  readonly #bytes: Uint8Array;
  #position = 0;
  #range = 0xffffffff;
  #code = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    for (let count = 0; count < 4; count++) this.#code = this.#code * 256 + this.#next();
  }

  bit(contexts: Contexts, index: number, _bit: number): number {
    const bound = (this.#range >>> 12) * chance(contexts, index);
    let bit = 0;
    if (this.#code < bound) this.#range = bound;
    else {
      this.#code -= bound;
      this.#range -= bound;
      bit = 1;
    }
    learn(contexts, index, bit);
    this.#normalise();
    return bit;
  }

  plain(count: number, _value: number): number {
    let value = 0;
    for (let left = count; left > 0; left--) {
      this.#range = Math.floor(this.#range / 2);
      const bit = this.#code >= this.#range ? 1 : 0;
      if (bit === 1) this.#code -= this.#range;
      value = (value << 1) | bit;
      this.#normalise();
    }
    return value;
  }

  #normalise(): void {
    while (this.#range < TOP) {
      this.#range *= 256;
      this.#code = this.#code * 256 + this.#next();
    }
  }

  #next(): number {
    const byte = this.#bytes[this.#position++] ?? 0;
    // A true stream asks for no more than what its own zeros at the end and four bytes ahead make up for.
    if (this.#position > this.#bytes.length + SLACK_BYTES)
      throw corrupt('the corrections of a blob end too soon');
    return byte;
  }
}

/** Zeros may have been cut from the end of a stream; a run of them codes this many bytes at most. */
const SLACK_BYTES = 1 << 20;
