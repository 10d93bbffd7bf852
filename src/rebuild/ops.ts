/**
 * Reads a layer's ops with what they take from seeks and repeats: code, length and source, each compared with what is
 * left before anybody uses it (docs/format.md, "Ops").
 */
import { MAX_VARINT_BYTES, unzigzag } from '../bytes/varint.ts';
import { corrupt } from '../errors.ts';
import {
  MAX_EXECUTABLE_BYTES,
  OP_BINARY,
  OP_BITS,
  OP_EXECUTABLE,
  OP_HEADER,
  OP_REGION,
  OP_REPEAT,
  OP_TEXT,
  STREAM_OPS,
  STREAM_REPEATS,
  STREAM_SEEKS,
} from '../patch/format.ts';
import { HEADER_BYTES } from '../predict/tar-header.ts';
import { isLow, type PlainReader, takeNumber } from './plain-reader.ts';

export interface Op {
  readonly code: number;
  /** Bytes of the layer that it makes; a header's padding counts. */
  readonly length: number;
  /** Where it reads: an address of the base, or of the news; 0 where it reads neither. */
  readonly source: number;
  /** Of an executable: how large the old file at `source` is; else 0. */
  readonly sourceBytes: number;
}

/** Fills `part`, which is the bytes from `start` on of what `op` makes: a region, literals or a repeat. */
export type Fill = (op: Op, part: Uint8Array, start: number) => Promise<void>;

export interface OpReader {
  /** The next op of a layer of which `produced` bytes are made, and `left` are not. */
  next(produced: number, left: number): Promise<Op>;
  /** The next of the ops that make an executable of which `left` bytes are not made. */
  nextInside(left: number): Promise<Op>;
}

export function opReader(readers: readonly PlainReader[], baseBytes: number): OpReader {
  const ops = readers[STREAM_OPS]!;
  /** Bytes that the literals read so far make; those of an executable are read before they are made. */
  let news = 0;
  const seek = seeker(readers[STREAM_SEEKS]!, 'the base');
  const seekBack = seeker(readers[STREAM_REPEATS]!, 'what was new');
  const take = async (what: string): Promise<number> => {
    if (isLow(ops, MAX_VARINT_BYTES)) await ops.ensure(MAX_VARINT_BYTES);
    return takeNumber(ops, what);
  };
  const finish = async (code: number, length: number): Promise<Op> => {
    let source = 0;
    switch (code) {
      case OP_REGION:
        source = await seek(length, baseBytes);
        break;
      case OP_HEADER:
        source = await seek(HEADER_BYTES, baseBytes);
        break;
      case OP_REPEAT:
        source = await seekBack(length, news);
        break;
      case OP_BINARY:
      case OP_TEXT:
        news += length;
        break;
      default:
        throw corrupt(`there is no op of code ${code}`);
    }
    return { code, length, source, sourceBytes: 0 };
  };
  return {
    async next(produced, left) {
      const fits = (length: number): number => {
        if (length <= left) return length;
        throw corrupt(`an op of ${length} bytes reaches past the layer's ${produced + left} bytes`);
      };
      const head = await take('an op');
      const code = head % (1 << OP_BITS);
      const given = Math.floor(head / (1 << OP_BITS));
      if ((given === 0) !== (code === OP_HEADER))
        throw corrupt(`an op of code ${code} has the length ${given}`);
      if (code === OP_HEADER) {
        const padding = (HEADER_BYTES - (produced % HEADER_BYTES)) % HEADER_BYTES;
        return await finish(code, fits(padding + HEADER_BYTES));
      }
      if (code !== OP_EXECUTABLE) return await finish(code, fits(given));
      if (fits(given) > MAX_EXECUTABLE_BYTES)
        throw corrupt(`an executable of ${given} bytes is larger than the ${MAX_EXECUTABLE_BYTES} it may be`);
      const source = await seek(0, baseBytes);
      const sourceBytes = await take("an old file's size");
      if (sourceBytes > Math.min(baseBytes - source, MAX_EXECUTABLE_BYTES))
        throw corrupt(`an old file of ${sourceBytes} bytes at ${source} is not inside of the base`);
      return { code, length: given, source, sourceBytes };
    },
    async nextInside(left) {
      const head = await take('an op');
      const code = head % (1 << OP_BITS);
      const length = Math.floor(head / (1 << OP_BITS));
      if (code === OP_HEADER || length === 0)
        throw corrupt(`an op of code ${code} and length ${length} can't make an executable`);
      if (length > left)
        throw corrupt(`an op of ${length} bytes reaches past the executable's last ${left} bytes`);
      return await finish(code, length);
    },
  };
}

/** Follows a source address: each op begins where the last one ended, plus a signed number. */
export function seeker(
  seeks: PlainReader,
  what: string,
): (length: number, sizeBytes: number) => Promise<number> {
  let expected = 0;
  return async (length, sizeBytes) => {
    if (isLow(seeks, MAX_VARINT_BYTES)) await seeks.ensure(MAX_VARINT_BYTES);
    const source = expected + unzigzag(takeNumber(seeks, 'a seek'));
    if (!(source >= 0 && source + length <= sizeBytes))
      throw corrupt(`an op reads ${length} bytes at ${source}, outside of the ${sizeBytes} bytes of ${what}`);
    expected = source + length;
    return source;
  };
}
