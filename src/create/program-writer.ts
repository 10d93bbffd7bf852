/**
 * Writes a layer as ops: the counterpart of rebuild/program.ts. Regions that go on where the last one ended become one.
 * Source addresses are kept aside until it is known which base layers the whole patch reads.
 */
import type { RandomAccess } from '../bytes/access.ts';
import { eachDifference } from '../bytes/differences.ts';
import { zigzag } from '../bytes/varint.ts';
import { FORM_BITCODE, FORM_STRINGS } from '../nested/forms.ts';
import {
  DELTA_STREAMS,
  OP_BINARY,
  OP_BITS,
  OP_DIGEST,
  OP_EXECUTABLE,
  OP_HEADER,
  OP_PART,
  OP_REGION,
  OP_REPEAT,
  OP_TEXT,
  STREAM_BINARY,
  STREAM_DIFFS,
  STREAM_GAPS,
  STREAM_HEADERS,
  STREAM_OPS,
  STREAM_REPEATS,
  STREAM_SEEKS,
  STREAM_TEXT,
} from '../patch/format.ts';
import { STEP_BYTES } from '../predict/elf/predictor.ts';
import { encodeTarHeaderDelta, HEADER_BYTES, headerSize, startHeaders } from '../predict/tar-header.ts';
import { startDigestOps } from './digest-ops.ts';
import { NO_EXECUTABLES, withExecutable } from './executable-counts.ts';
import { startWays } from './part-ways.ts';
import { placed, startPlacement } from './placement.ts';
import type { LiteralKind, ProgramWriter } from './program.ts';
import { openRepeatFinder } from './repeats.ts';
import type { ExecutablePlan, Residual } from './residual.ts';
import { growingLog } from './source-log.ts';
import { openSpool } from './spool.ts';
import { isZero } from './zeros.ts';

/** Compares and copies in pieces of this size. */
const PIECE_BYTES = 1 << 16;

/** `findsRepeats`: whether new bytes that were new before are found again. */
export function openProgramWriter(
  base: RandomAccess,
  tempDirectory: string,
  findsRepeats = true,
): ProgramWriter {
  const spools = DELTA_STREAMS.map(() => openSpool(tempDirectory));
  const placement = startPlacement();
  const streams = spools.map((spool) => placed(spool, placement));
  const gaps = streams[STREAM_GAPS]!;
  const diffs = streams[STREAM_DIFFS]!;
  const sources = growingLog();
  const addSource = (address: number, length: number, at: number) =>
    sources.push(address, length, placement.of(at));
  const headerState = startHeaders();
  const scratch = new Uint8Array(PIECE_BYTES);
  const repeats = findsRepeats ? openRepeatFinder(tempDirectory) : undefined;
  const nameWay = startWays();
  const digests = startDigestOps();
  let parts = 0;
  let bitcodeBytes = 0;
  let strings = false;
  let repeatExpected = 0;
  /** Bytes of the layer, or of the part that is being written. */
  let produced = 0;
  let gap = 0;
  let regions = 0;
  let executables = NO_EXECUTABLES;
  /** Zeros not yet written: a header op implies them, and a region may begin in those of the base. */
  let zerosOwed = 0;
  /** The region that may still grow. */
  let open: { address: number; length: number; start: number } | undefined;
  /** Where the executable begins whose ops are being written: a reader wants all of them there. */
  let wholeStart: number | undefined;
  /** The header that the last op made, if it did. */
  let header: Uint8Array | undefined;

  const op = (code: number, length: number, at: number) => {
    header = undefined;
    streams[STREAM_OPS]!.appendNumber(length * (1 << OP_BITS) + code, at);
  };
  const closeRegion = () => {
    if (open === undefined) return;
    op(OP_REGION, open.length, open.start);
    addSource(open.address, open.length, open.start);
    open = undefined;
    regions++;
  };
  const growRegion = (address: number, length: number) => {
    if (open === undefined || open.address + open.length !== address) {
      closeRegion();
      open = { address, length, start: produced };
    } else open.length += length;
  };
  const diff = (address: number, bytes: Uint8Array) => {
    for (let done = 0; done < bytes.length; done += PIECE_BYTES) {
      const old = scratch.subarray(0, Math.min(PIECE_BYTES, bytes.length - done));
      base.readAt(address + done, old);
      const next = bytes.subarray(done, done + old.length);
      /** Where the bytes begin that are equal up to the next difference. */
      let equal = 0;
      eachDifference(next, old, 0, old.length, (at) => {
        gaps.appendNumber(gap + at - equal, produced + done);
        diffs.appendByte((next[at]! - old[at]!) & 0xff, produced + done);
        gap = 0;
        equal = at + 1;
      });
      gap += old.length - equal;
    }
  };

  const literal = (run: Uint8Array, kind: LiteralKind) => {
    if (run.length === 0) return;
    closeRegion();
    for (const stretch of repeats?.split(run) ?? [{ kind: 'new' as const, bytes: run }]) {
      if (stretch.kind === 'new') fresh(stretch.bytes, kind);
      else {
        const place = wholeStart ?? produced;
        op(OP_REPEAT, stretch.length, place);
        streams[STREAM_REPEATS]!.appendNumber(zigzag(stretch.position - repeatExpected), place);
        repeatExpected = stretch.position + stretch.length;
        produced += stretch.length;
      }
    }
  };
  const fresh = (bytes: Uint8Array, kind: LiteralKind) => {
    op(kind === 'text' ? OP_TEXT : OP_BINARY, bytes.length, wholeStart ?? produced);
    streams[kind === 'text' ? STREAM_TEXT : STREAM_BINARY]!.append(bytes, produced);
    produced += bytes.length;
  };
  /** The ops of a whole executable; its regions are never joined: a table's region begins with the table. */
  const wholeOps = (content: RandomAccess, { matches }: ExecutablePlan) => {
    const start = produced;
    let at = 0;
    const literalTo = (end: number) => {
      while (at < end) {
        const piece = new Uint8Array(Math.min(PIECE_BYTES, end - at));
        content.readAt(at, piece);
        literal(piece, 'binary');
        at += piece.length;
      }
    };
    for (const { newStart, address, length } of matches) {
      literalTo(newStart);
      op(OP_REGION, length, start);
      addSource(address, length, start);
      regions++;
      at += length;
      produced += length;
    }
    literalTo(content.sizeBytes);
  };
  const wholeResidual = ({ gaps: equals, diffs: differences, coveredBytes }: Residual, start: number) => {
    let covered = 0;
    for (let i = 0; i < equals.length; i++) {
      covered += equals[i]! + 1;
      // A reader has what a step needs before it makes the step.
      const place = start + Math.max(0, covered - STEP_BYTES);
      gaps.appendNumber(gap + equals[i]!, place);
      diffs.appendByte(differences[i]!, place);
      gap = 0;
    }
    gap += coveredBytes - covered;
  };
  const same = (address: number, length: number) => {
    growRegion(address, length);
    gap += length;
    produced += length;
  };
  /** Writes the zeros owed, from the base at `address` if they stand there too. */
  const payZeros = (address: number | undefined) => {
    const count = zerosOwed;
    zerosOwed = 0;
    if (count === 0) return;
    if (address !== undefined && isZero(base, address, count)) same(address, count);
    else
      for (let left = count; left > 0; left -= PIECE_BYTES)
        literal(new Uint8Array(Math.min(left, PIECE_BYTES)), 'text');
  };

  return {
    text: spools[STREAM_TEXT]!,
    get produced() {
      return produced + zerosOwed;
    },
    zeros(count) {
      zerosOwed += count;
    },
    region(address, bytes) {
      payZeros(address - zerosOwed);
      growRegion(address, bytes.length);
      diff(address, bytes);
      produced += bytes.length;
    },
    sameRegion(address, length) {
      payZeros(address - zerosOwed);
      if (length > 0) same(address, length);
    },
    literal(bytes, kind) {
      payZeros(undefined);
      literal(bytes, kind);
    },
    executable(content, plan) {
      payZeros(undefined);
      closeRegion();
      wholeStart = produced;
      op(OP_EXECUTABLE, content.sizeBytes, wholeStart);
      streams[STREAM_OPS]!.appendNumber(plan.oldBytes, wholeStart);
      addSource(plan.oldAddress, 0, wholeStart);
      wholeOps(content, plan);
      wholeResidual(plan.residual, wholeStart);
      wholeStart = undefined;
      executables = withExecutable(executables, plan);
    },
    beginPart(plainBytes, closedBytes, choice, back) {
      payZeros(undefined);
      closeRegion();
      op(OP_PART, plainBytes, produced);
      streams[STREAM_OPS]!.append(nameWay(choice, back), produced);
      placement.enter(produced, plainBytes, closedBytes);
      produced = 0;
      parts++;
      if (choice.form === FORM_STRINGS) strings = true;
      if (choice.form === FORM_BITCODE) bitcodeBytes = Math.max(bitcodeBytes, plainBytes + closedBytes);
    },
    endPart() {
      payZeros(undefined);
      closeRegion();
      produced = placement.leave();
    },
    markDigest(algorithm, sizeBytes) {
      payZeros(undefined);
      closeRegion();
      const before = header;
      if (before !== undefined && headerSize(before) !== sizeBytes) return undefined;
      const number = digests.mark();
      if (number === undefined) return undefined;
      op(OP_DIGEST, algorithm, produced);
      if (before === undefined) streams[STREAM_OPS]!.appendNumber(sizeBytes, produced);
      header = before;
      return number;
    },
    listDigest(number, form, length) {
      payZeros(undefined);
      closeRegion();
      op(OP_DIGEST, digests.list(number, form), produced);
      produced += length;
    },
    header(address, block) {
      const implied = (HEADER_BYTES - (produced % HEADER_BYTES)) % HEADER_BYTES;
      if (zerosOwed !== implied) payZeros(open === undefined ? undefined : open.address + open.length);
      closeRegion();
      const old = new Uint8Array(HEADER_BYTES);
      base.readAt(address, old);
      op(OP_HEADER, 0, produced);
      addSource(address, HEADER_BYTES, produced);
      streams[STREAM_HEADERS]!.append(
        Uint8Array.from(encodeTarHeaderDelta(old, block, headerState)),
        produced,
      );
      produced += zerosOwed + HEADER_BYTES;
      zerosOwed = 0;
      header = block;
    },
    finish() {
      payZeros(open === undefined ? undefined : open.address + open.length);
      closeRegion();
      repeats?.close();
      if (regions > 0) gaps.appendNumber(gap, produced);
      return {
        streams: spools,
        seeks: spools[STREAM_SEEKS]!,
        producedBytes: produced,
        executables,
        parts,
        bitcodeBytes,
        strings,
        digests: digests.count,
        sources: sources.log(),
      };
    },
    close() {
      repeats?.close();
      for (const spool of spools) spool.close();
    },
  };
}
