/**
 * Finds the recipe of a blob: tries the likely encoders on its beginning, then replays the whole with the one that
 * agreed, comparing byte for byte. A recipe that was not replayed to the last byte is never returned.
 */
import type { RandomAccess } from '../bytes/access.ts';
import { DidiffError } from '../errors.ts';
import { listCandidates } from './candidates.ts';
import { readEnding } from './ending.ts';
import { describeEngine, type EngineChoice, guided, setsMarkers } from './engines.ts';
import { readFirstBlock, readFirstMarker } from './fingerprint.ts';
import { encodeGuided } from './guided/encode.ts';
import { isGzip, readGzipHeader, TRAILER_BYTES } from './gzip.ts';
import { type Outline, outlineBlob } from './outline.ts';
import { type ProofOptions, STEP_BYTES, startProof } from './proof.ts';
import { encodeRecipe, type Recipe } from './recipe.ts';
import { type ScannedBlob, scanGzip } from './scan.ts';

export interface FindOptions extends ProofOptions {
  /** Whether an encoder without a model may be described by corrections; true unless said otherwise. */
  readonly corrections?: boolean | undefined;
  /** Told of every engine that was tried and was not the one, with the plain bytes it was given. */
  readonly onTrial?: ((engine: EngineChoice, plainBytes: number) => void) | undefined;
}

export interface FoundRecipe {
  readonly recipe: Uint8Array;
  /** The encoder in words, e.g. `Go up to 1.26, level 6`. */
  readonly model: string;
  readonly engine: EngineChoice;
  readonly memberCount: number;
  readonly flushCount: number;
  /** Bytes of the recipe that correct the model; 0 when it is exact by itself. */
  readonly correctionsBytes: number;
}

/** Plain bytes a candidate is tried on before it may run through; more when the first block, or what is before the first break, is longer. */
const TRIAL_BYTES = 1 << 20;
/** Plain bytes that trials may take together: so many, or this part of the tar where that is more. */
const FREE_TRIAL_BYTES = 8 << 20;
const TRIAL_PART = 0.1;
/** How many candidates may have passed their trial and failed later; those never come again. */
const MOST_FAILED_RUNS = 2;
/** Corrections larger than this part of the blob are not worth it. */
const MOST_CORRECTIONS = 0.1;

/**
 * The recipe that makes `blob` from `tar`; undefined when none is known or the blob is not gzip of that tar.
 * Takes one replay and, for trials, at most a tenth of one (or 8 MiB of plain bytes); docs/gzip.md has the whole bound.
 */
export async function findRecipe(
  blob: RandomAccess,
  tar: RandomAccess,
  options: FindOptions = {},
): Promise<FoundRecipe | undefined> {
  if (!isGzip(blob)) return undefined;
  try {
    const budget = {
      trialBytes: Math.max(FREE_TRIAL_BYTES, tar.sizeBytes * TRIAL_PART),
      runs: MOST_FAILED_RUNS,
    };
    const simple = assumeOneMember(blob, tar);
    const found =
      simple && (await findEngine(blob, tar, simple, firstPlaceOf(blob, simple), budget, options));
    if (found !== undefined) return found;
    const scanned = scanGzip(blob, { signal: options.signal });
    if (scanned.plainBytes !== tar.sizeBytes) return undefined;
    const outline = outlineBlob(blob, tar, scanned);
    const breaks = breaksOf(scanned);
    const isSimple =
      breaks.length + outline.events.length + outline.oddTrailers.size + outline.tail.length === 0;
    const place = { dataEnd: scanned.members[0]!.dataEnd, breaks };
    const other = isSimple ? undefined : await findEngine(blob, tar, outline, place, budget, options);
    if (other !== undefined || options.corrections === false) return other;
    return await findCorrections(blob, tar, scanned, outline, options);
  } catch (error) {
    // A damaged blob has no recipe; that is for the caller to tell, who knows which layer it is.
    if (error instanceof DidiffError && (error.code === 'CORRUPT_INPUT' || error.code === 'LIMIT')) {
      return undefined;
    }
    throw error;
  }
}

/**
 * Whether `blob` begins as some encoder makes it, tried on no more than its first megabyte or so: what `findRecipe` would
 * most likely find, in a small part of its time. False also where only `findRecipe` can tell.
 */
export async function looksRecreatable(
  blob: RandomAccess,
  tar: RandomAccess,
  options: FindOptions = {},
): Promise<boolean> {
  if (!isGzip(blob)) return false;
  const outline = assumeOneMember(blob, tar);
  if (outline === undefined) return false;
  const { dataEnd, breaks } = firstPlaceOf(blob, outline);
  const header = readGzipHeader(blob, 0);
  const first = readFirstBlock(blob, header.bytes.length);
  const trialBytes = Math.min(tar.sizeBytes, Math.max(TRIAL_BYTES, first.plainBytes + STEP_BYTES));
  for (const engine of listCandidates({ header, first, ending: readEnding(blob, dataEnd), breaks })) {
    const recipe: Recipe = { ...eventsFor(engine, outline), engine, corrections: new Uint8Array(0) };
    if (await startProof(blob, tar, recipe, options).run(trialBytes)) return true;
  }
  return false;
}

/** What most blobs are; undefined when the last bytes show that this is none of them. */
function assumeOneMember(blob: RandomAccess, tar: RandomAccess): Outline | undefined {
  const header = readGzipHeader(blob, 0);
  if (blob.sizeBytes < header.bytes.length + TRAILER_BYTES) return undefined;
  const size = new Uint8Array(4);
  blob.readAt(blob.sizeBytes - 4, size);
  const claimed = new DataView(size.buffer).getUint32(0, true);
  if (claimed !== tar.sizeBytes % 2 ** 32) return undefined;
  return {
    blobBytes: blob.sizeBytes,
    plainBytes: tar.sizeBytes,
    headers: [header.bytes],
    events: [],
    oddTrailers: new Map(),
    tail: new Uint8Array(0),
  };
}

/** What may still be spent on engines that turn out not to be the one. */
interface Budget {
  trialBytes: number;
  runs: number;
}

/** What tells engines apart, of the first member. */
interface Place {
  /** Where its DEFLATE stream ends. */
  readonly dataEnd: number;
  /** Plain offsets of empty blocks, as far as they are known. */
  readonly breaks: readonly number[];
}

/** Of a blob that was not scanned. */
function firstPlaceOf(blob: RandomAccess, { headers }: Outline): Place {
  const dataEnd = blob.sizeBytes - TRAILER_BYTES;
  if (readEnding(blob, dataEnd) !== 'flushed') return { dataEnd, breaks: [] };
  const marker = readFirstMarker(blob, headers[0]!.length);
  return { dataEnd, breaks: marker === undefined ? [] : [marker] };
}

function breaksOf({ members }: ScannedBlob): number[] {
  const breaks = members.flatMap(({ flushes, fillers }) => [...flushes, ...fillers]);
  return [...new Set(breaks)].sort((one, other) => one - other);
}

async function findEngine(
  blob: RandomAccess,
  tar: RandomAccess,
  outline: Outline,
  { dataEnd, breaks }: Place,
  budget: Budget,
  options: FindOptions,
): Promise<FoundRecipe | undefined> {
  const header = readGzipHeader(blob, 0);
  const first = readFirstBlock(blob, header.bytes.length);
  const trialBytes = Math.min(
    tar.sizeBytes,
    Math.max(TRIAL_BYTES, Math.max(first.plainBytes, breaks[0] ?? 0) + STEP_BYTES),
  );
  for (const engine of listCandidates({ header, first, ending: readEnding(blob, dataEnd), breaks })) {
    if (budget.trialBytes <= 0 || budget.runs <= 0) return undefined;
    const recipe: Recipe = { ...eventsFor(engine, outline), engine, corrections: new Uint8Array(0) };
    const proof = startProof(blob, tar, recipe, options);
    const isLikely = await proof.run(trialBytes);
    if (isLikely && (await proof.run(tar.sizeBytes)) && proof.finish()) return describe(recipe);
    if (isLikely) budget.runs--;
    else budget.trialBytes -= proof.plainBytes();
    options.onTrial?.(engine, proof.plainBytes());
  }
  return undefined;
}

/** A recipe for a blob of an encoder that has no model, when its corrections are worth it. */
async function findCorrections(
  blob: RandomAccess,
  tar: RandomAccess,
  scanned: ScannedBlob,
  outline: Outline,
  options: FindOptions,
): Promise<FoundRecipe | undefined> {
  const limitBytes = Math.floor(blob.sizeBytes * MOST_CORRECTIONS);
  const corrections = await encodeGuided(blob, tar, scanned, { limitBytes, signal: options.signal });
  if (corrections === undefined) return undefined;
  const recipe: Recipe = { ...eventsFor(guided, outline), engine: guided, corrections };
  const proof = startProof(blob, tar, recipe, options);
  return (await proof.run(tar.sizeBytes)) && proof.finish() ? describe(recipe) : undefined;
}

/** An engine that sets markers by itself needs none of those that were found. */
function eventsFor(engine: EngineChoice, outline: Outline): Outline {
  if (!setsMarkers(engine)) return outline;
  return { ...outline, events: outline.events.filter((event) => event.header >= 0) };
}

function describe(recipe: Recipe): FoundRecipe {
  const memberEnds = recipe.events.filter((event) => event.header >= 0).length;
  return {
    recipe: encodeRecipe(recipe),
    model: describeEngine(recipe.engine),
    engine: recipe.engine,
    memberCount: 1 + memberEnds,
    flushCount: recipe.events.length - memberEnds,
    correctionsBytes: recipe.corrections.length,
  };
}
