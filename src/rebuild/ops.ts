/**
 * Reads a layer's ops with what they take from seeks and repeats: code, length and source, each compared with what is
 * left before anybody uses it (docs/format.md, "Ops").
 */
import { MAX_VARINT_BYTES, unzigzag } from '../bytes/varint.ts';
import { corrupt } from '../errors.ts';
import { type Choice, readChoice } from '../nested/choice.ts';
import { FORM_BITCODE, FORM_DIRECTORY, type Form } from '../nested/forms.ts';
import {
  DIGEST_USES,
  ENGINE_CHANGE_BYTES,
  MAX_EXECUTABLE_BYTES,
  MAX_PART_CHOICES,
  MAX_PART_DEPTH,
  mostPlainBytes,
  OP_BINARY,
  OP_BITS,
  OP_DIGEST,
  OP_EXECUTABLE,
  OP_HEADER,
  OP_PART,
  OP_REGION,
  OP_REPEAT,
  OP_TEXT,
  STREAM_OPS,
  STREAM_REPEATS,
  STREAM_SEEKS,
} from '../patch/format.ts';
import { type DigestForm, isAlgorithm } from '../predict/listed-digest.ts';
import { HEADER_BYTES } from '../predict/tar-header.ts';
import type { DigestBook } from './digests.ts';
import { isLow, type PlainReader, takeNumber } from './plain-reader.ts';

export interface Op {
  readonly code: number;
  /** Bytes of the layer that it makes; a header's padding counts. */
  readonly length: number;
  /** Where it reads: an address of the base, or of the news; 0 where it reads neither. */
  readonly source: number;
  /** Of an executable: how large the old file at `source` is; else 0. */
  readonly sourceBytes: number;
  /** Of a part, whose `length` is that of its plain form: how it is closed. */
  readonly part?: PartOp;
  /** Of a mark, which makes nothing: what gets a digest. */
  readonly mark?: MarkOp;
  /** Of a listed digest: all that it makes. */
  readonly text?: Uint8Array;
}

export interface MarkOp {
  readonly algorithm: number;
  /** How many of the next bytes; undefined when it is the size in the header just made. */
  readonly sizeBytes: number | undefined;
}

export interface PartOp {
  readonly choice: Choice;
  /** Of a directory: bytes between the place that its offsets count from and its own; else 0. */
  readonly back: number;
}

/**
 * Fills `part`, which is the bytes from `start` on of what `op` makes: a region, literals or a repeat. Gives nothing
 * to wait for when it is done at once, as it mostly is.
 */
export type Fill = (op: Op, part: Uint8Array, start: number) => Promise<void> | undefined;

/** What is mostly there at once: a layer may have a hundred thousand ops, and each wait costs more than most of them. */
export type Soon<Value> = Value | Promise<Value>;

export interface OpReader {
  /** The next op of a layer, or of a part so `deep` in parts, of which `produced` bytes are made and `left` are not. */
  next(produced: number, left: number, depth: number): Soon<Op>;
  /** The next of the ops that make an executable of which `left` bytes are not made. */
  nextInside(left: number): Soon<Op>;
}

/** `tarBytes` are those of the whole layer; `digests` gives those that it lists. */
export function opReader(
  readers: readonly PlainReader[],
  baseBytes: number,
  tarBytes: number,
  digests: DigestBook,
): OpReader {
  const ops = readers[STREAM_OPS]!;
  /** Bytes that the literals read so far make; those of an executable are read before they are made. */
  let news = 0;
  const seeks = readers[STREAM_SEEKS]!;
  const repeats = readers[STREAM_REPEATS]!;
  const seek = follower(seeks, 'the base');
  const seekBack = follower(repeats, 'what was new');
  const take = async (what: string): Promise<number> => {
    if (isLow(ops, MAX_VARINT_BYTES)) await ops.ensure(MAX_VARINT_BYTES);
    return takeNumber(ops, what);
  };
  const parts = partReader(take, tarBytes);
  const digestOp = digestReader(take, digests);
  let afterHeader = false;
  const readSource = (code: number, length: number): Op => {
    let source = 0;
    switch (code) {
      case OP_REGION:
      case OP_HEADER:
        source = seek(code === OP_HEADER ? HEADER_BYTES : length, baseBytes);
        break;
      case OP_REPEAT:
        source = seekBack(length, news);
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
  const finish = (code: number, length: number): Soon<Op> => {
    const from = code === OP_REGION || code === OP_HEADER ? seeks : code === OP_REPEAT ? repeats : undefined;
    return from === undefined ? readSource(code, length) : once(from, () => readSource(code, length));
  };
  const digest = async (given: number, produced: number, left: number): Promise<Op> => {
    const op = await digestOp(given, afterHeader);
    if (op.mark === undefined) afterHeader = false;
    return { ...op, length: within(op.length, produced, left) };
  };
  const executable = async (length: number): Promise<Op> => {
    if (length > MAX_EXECUTABLE_BYTES)
      throw corrupt(`an executable of ${length} bytes is larger than the ${MAX_EXECUTABLE_BYTES} it may be`);
    const source = await once(seeks, () => seek(0, baseBytes));
    const sourceBytes = await take("an old file's size");
    if (sourceBytes > Math.min(baseBytes - source, MAX_EXECUTABLE_BYTES))
      throw corrupt(`an old file of ${sourceBytes} bytes at ${source} is not inside of the base`);
    return { code: OP_EXECUTABLE, length, source, sourceBytes };
  };
  const read = (produced: number, left: number, depth: number): Soon<Op> => {
    const head = takeNumber(ops, 'an op');
    const code = head % (1 << OP_BITS);
    const given = Math.floor(head / (1 << OP_BITS));
    if ((given === 0) !== (code === OP_HEADER))
      throw corrupt(`an op of code ${code} has the length ${given}`);
    if (code === OP_DIGEST) return digest(given, produced, left);
    afterHeader = code === OP_HEADER;
    if (code === OP_PART) return parts(given, produced, depth);
    if (code === OP_EXECUTABLE) return executable(within(given, produced, left));
    const padding = (HEADER_BYTES - (produced % HEADER_BYTES)) % HEADER_BYTES;
    return finish(code, within(code === OP_HEADER ? padding + HEADER_BYTES : given, produced, left));
  };
  const readInside = (left: number): Soon<Op> => {
    const head = takeNumber(ops, 'an op');
    const code = head % (1 << OP_BITS);
    const length = Math.floor(head / (1 << OP_BITS));
    if (code === OP_HEADER || length === 0)
      throw corrupt(`an op of code ${code} and length ${length} can't make an executable`);
    if (length > left)
      throw corrupt(`an op of ${length} bytes reaches past the executable's last ${left} bytes`);
    return finish(code, length);
  };
  return {
    next: (produced, left, depth) => once(ops, () => read(produced, left, depth)),
    nextInside(left) {
      afterHeader = false;
      return once(ops, () => readInside(left));
    },
  };
}

function within(length: number, produced: number, left: number): number {
  if (length <= left) return length;
  throw corrupt(`an op of ${length} bytes reaches past the layer's ${produced + left} bytes`);
}

/** Reads what begins with a number of `reader`, as soon as that is there. */
function once<Value>(reader: PlainReader, read: () => Soon<Value>): Soon<Value> {
  return isLow(reader, MAX_VARINT_BYTES) ? reader.ensure(MAX_VARINT_BYTES).then(read) : read();
}

/** Reads how parts are closed; they make no more plain bytes than fit the layer's size. */
function partReader(
  take: (what: string) => Promise<number>,
  tarBytes: number,
): (length: number, produced: number, depth: number) => Promise<Op> {
  const choices: Choice[] = [];
  const lastChoices: Choice[] = [];
  /** By depth, that of the part which was read last there: the one around those one deeper. */
  const forms: Form[] = [];
  let left = mostPlainBytes(tarBytes);
  return async (length, produced, depth) => {
    if (depth === MAX_PART_DEPTH) throw corrupt(`parts are more than ${MAX_PART_DEPTH} deep in parts`);
    if (depth > 0 && forms[depth - 1] === FORM_BITCODE) throw corrupt('a part lies in a part of bitcode');
    if (length > left)
      throw corrupt(`a part of ${length} plain bytes is more than the ${left} that may still be made`);
    left -= length;
    const known = await take('how a part is closed');
    if (known > choices.length || (known === 0 && choices.length === MAX_PART_CHOICES))
      throw corrupt(`a part is closed in way ${known}; there are ${choices.length}`);
    const choice = known === 0 ? await readChoice(take) : choices[known - 1]!;
    if (known === 0) choices.push(choice);
    forms[depth] = choice.form;
    if ('engine' in choice && lastChoices[depth] !== choice) {
      lastChoices[depth] = choice;
      left -= ENGINE_CHANGE_BYTES;
      if (left < 0) throw corrupt('parts change their engines too often');
    }
    const back = choice.form === FORM_DIRECTORY ? await take('the place of an archive') : 0;
    if (back > produced) throw corrupt(`an archive begins ${back} bytes before byte ${produced}`);
    return { code: OP_PART, length, source: 0, sourceBytes: 0, part: { choice, back } };
  };
}

/** Reads marks, and digests that are listed: each is mostly the one after the last. */
function digestReader(
  take: (what: string) => Promise<number>,
  digests: DigestBook,
): (given: number, afterHeader: boolean) => Promise<Op> {
  const op = { code: OP_DIGEST, source: 0, sourceBytes: 0 };
  let expected = 0;
  return async (given, afterHeader) => {
    if (isAlgorithm(given)) {
      const sizeBytes = afterHeader ? undefined : await take('the size of what gets a digest');
      return { ...op, length: 0, mark: { algorithm: given, sizeBytes } };
    }
    if (given < DIGEST_USES) throw corrupt(`there is no digest algorithm ${given}`);
    const use = given - DIGEST_USES;
    const number = expected + unzigzag(Math.floor(use / 2));
    const text = digests.text(number, (use % 2) as DigestForm);
    expected = number + 1;
    return { ...op, length: text.length, text };
  };
}

/** Follows a source address: each op begins where the last one ended, plus a signed number. */
export function seeker(
  seeks: PlainReader,
  what: string,
): (length: number, sizeBytes: number) => Promise<number> {
  const follow = follower(seeks, what);
  return async (length, sizeBytes) => {
    if (isLow(seeks, MAX_VARINT_BYTES)) await seeks.ensure(MAX_VARINT_BYTES);
    return follow(length, sizeBytes);
  };
}

/** The same for numbers that are there already. */
function follower(seeks: PlainReader, what: string): (length: number, sizeBytes: number) => number {
  let expected = 0;
  return (length, sizeBytes) => {
    const source = expected + unzigzag(takeNumber(seeks, 'a seek'));
    if (!(source >= 0 && source + length <= sizeBytes))
      throw corrupt(`an op reads ${length} bytes at ${source}, outside of the ${sizeBytes} bytes of ${what}`);
    expected = source + length;
    return source;
  };
}
