/**
 * Looks through a layer before any of it is written: which contents the base has, and which files' digests are listed in
 * text that comes later in the layer, so that a reader can make them. Digests are looked up by what they are alone.
 */
import { type RandomAccess, readPieces, sliceAccess } from '../bytes/access.ts';
import { readAhead } from '../bytes/read-ahead.ts';
import { algorithmOfSize, canHash, startHash } from '../predict/listed-digest.ts';
import type { TarEntry } from '../tar/header.ts';
import { walkTar } from '../tar/walk.ts';
import type { Catalog } from './catalog.ts';
import { findDigestTokens } from './digest-tokens.ts';

export interface Survey {
  /** By the offset of a content: the address where the base has the very same. */
  readonly same: ReadonlyMap<number, number>;
  /** By the offset of a content: the digests of it that are worth making. */
  readonly marks: ReadonlyMap<number, readonly DigestMark[]>;
  /** Of contents that the base doesn't have. */
  readonly changedBytes: number;
}

export interface DigestMark {
  readonly algorithm: number;
  /** The digest, one character per byte. */
  readonly key: string;
}

export interface SurveyContext {
  readonly catalog: Catalog;
  readonly listsDigests: boolean;
  readonly tick: (bytes: number) => Promise<void>;
  /** Two buffers of PIECE_BYTES. */
  readonly scratch: readonly [Uint8Array, Uint8Array];
}

/** Text is told from the rest by so many bytes. */
const KIND_BYTES = 4096;
/** Words that may be digests, of one layer: some 200 bytes each. Those beyond are carried. */
const MAX_TOKENS = 1 << 17;
/** What asking for a digest and listing it costs, about, and what the first does besides: its feature's name. */
const LIST_BYTES = 4;
const FEATURE_BYTES = 20;

/** `tick` is told of the contents that the base has; the others are still to be matched. */
export async function surveyLayer(tar: RandomAccess, context: SurveyContext): Promise<Survey> {
  const { catalog, tick, scratch } = context;
  const same = new Map<number, number>();
  const changed: { readonly offset: number; readonly sizeBytes: number }[] = [];
  /** Words that may be digests, each with the offset of the last content that has it. */
  const listed = new Map<string, number>();
  // Most files are small, and stand in the base in the same order.
  const [ahead, space] = [readAhead(tar), readAhead(catalog.space)];
  for (const segment of walkTar(tar)) {
    if (segment.kind !== 'content') continue;
    const { entry, offset, sizeBytes } = segment;
    const content = sliceAccess(ahead, offset, sizeBytes);
    const address = sameInBase(catalog, space, entry, content, scratch);
    await tick(address === undefined ? 0 : sizeBytes);
    if (address !== undefined) {
      same.set(offset, address);
      continue;
    }
    changed.push({ offset, sizeBytes });
    if (context.listsDigests) noteTokens(content, offset, listed, scratch[0]);
  }
  const marks = await marksOf(tar, changed, listed, context);
  return { same, marks, changedBytes: changed.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}

/** The file of the same path first: it is mostly the same. */
function sameInBase(
  catalog: Catalog,
  space: RandomAccess,
  entry: TarEntry,
  content: RandomAccess,
  scratch: SurveyContext['scratch'],
): number | undefined {
  const path = catalog.byPath.get(entry.path);
  if (path?.sizeBytes === content.sizeBytes && equalContent(space, path.address, content, scratch))
    return path.address;
  return catalog.findSame(content, scratch[0])?.address;
}

/** Words that the pieces' ends cut are not worth the care. */
function noteTokens(
  content: RandomAccess,
  offset: number,
  listed: Map<string, number>,
  buffer: Uint8Array,
): void {
  let isFirst = true;
  for (const piece of readPieces(content, buffer)) {
    if (isFirst && piece.subarray(0, KIND_BYTES).includes(0)) return;
    isFirst = false;
    for (const { key } of findDigestTokens(piece))
      if (listed.size < MAX_TOKENS || listed.has(key)) listed.set(key, offset);
  }
}

/** Of the changed files, those whose digests are listed behind them. */
async function marksOf(
  tar: RandomAccess,
  changed: readonly { readonly offset: number; readonly sizeBytes: number }[],
  listed: Map<string, number>,
  { tick, scratch }: SurveyContext,
): Promise<Survey['marks']> {
  const marks = new Map<number, DigestMark[]>();
  let gain = -FEATURE_BYTES;
  const wanted = new Set<number>();
  let last = -1;
  for (const [key, offset] of listed) {
    wanted.add(algorithmOfSize(key.length)!);
    last = Math.max(last, offset);
  }
  const algorithms = [...wanted].filter(canHash).sort();
  for (const { offset, sizeBytes } of changed) {
    if (offset >= last || algorithms.length === 0) break;
    await tick(0);
    const own: DigestMark[] = [];
    for (const { algorithm, key } of digestsOf(sliceAccess(tar, offset, sizeBytes), algorithms, scratch[0])) {
      const listedAt = listed.get(key);
      if (listedAt === undefined || listedAt <= offset) continue;
      own.push({ algorithm, key });
      gain += key.length - LIST_BYTES;
      // Once is enough: a file that comes twice has one digest.
      listed.delete(key);
    }
    if (own.length > 0) marks.set(offset, own);
  }
  return gain > 0 ? marks : new Map();
}

function digestsOf(
  content: RandomAccess,
  algorithms: readonly number[],
  buffer: Uint8Array,
): readonly DigestMark[] {
  const hashes = algorithms.map(startHash);
  for (const piece of readPieces(content, buffer)) for (const hash of hashes) hash.update(piece);
  return hashes.map((hash, at) => ({ algorithm: algorithms[at]!, key: hash.digest().toString('latin1') }));
}

function equalContent(
  space: RandomAccess,
  address: number,
  content: RandomAccess,
  scratch: SurveyContext['scratch'],
): boolean {
  if (address + content.sizeBytes > space.sizeBytes) return false;
  let at = address;
  for (const piece of readPieces(content, scratch[0])) {
    const other = scratch[1].subarray(0, piece.length);
    space.readAt(at, other);
    if (Buffer.compare(piece, other) !== 0) return false;
    at += piece.length;
  }
  return true;
}
