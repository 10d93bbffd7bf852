/**
 * Finds the recipe of a blob: tries the likely encoders on its beginning, then replays the whole with the one that
 * agreed, comparing byte for byte. A recipe that was not replayed to the last byte is never returned.
 */
import { setImmediate } from 'node:timers/promises';
import { type RandomAccess, readPieces } from '../bytes/access.ts';
import { DidiffError } from '../errors.ts';
import { listCandidates } from './candidates.ts';
import { describeEngine, type EngineChoice, guided, setsMarkers } from './engines.ts';
import { readFirstBlock } from './fingerprint.ts';
import { encodeGuided } from './guided/encode.ts';
import { isGzip, readGzipHeader, TRAILER_BYTES } from './gzip.ts';
import { type Outline, outlineBlob } from './outline.ts';
import { encodeRecipe, type Recipe } from './recipe.ts';
import { startRecreation } from './recreate.ts';
import { type ScannedBlob, scanGzip } from './scan.ts';

export interface FindOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether an encoder without a model may be described by corrections; true unless said otherwise. */
  readonly corrections?: boolean | undefined;
  /** Plain bytes replayed so far in the pass that matters, of all; may start again from 0. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
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

/** Plain bytes a candidate is tried on before it may run through. */
const TRIAL_BYTES = 1 << 20;
/** Corrections larger than this part of the blob are not worth it. */
const MOST_CORRECTIONS = 0.1;
const STEP_BYTES = 1 << 16;
/** After so many bytes of work other tasks get their turn. */
const TURN_BYTES = 1 << 21;

/**
 * The recipe that makes `blob` from `tar`; undefined when none is known or the blob is not gzip of that tar.
 * Takes one replay and, for the trials and a scan of the blob, a tenth of one.
 */
export async function findRecipe(
  blob: RandomAccess,
  tar: RandomAccess,
  options: FindOptions = {},
): Promise<FoundRecipe | undefined> {
  if (!isGzip(blob)) return undefined;
  try {
    const simple = assumeOneMember(blob, tar);
    const found = simple === undefined ? undefined : await findEngine(blob, tar, simple, options);
    if (found !== undefined) return found;
    const scanned = scanGzip(blob, { signal: options.signal });
    if (scanned.plainBytes !== tar.sizeBytes) return undefined;
    const outline = outlineBlob(blob, tar, scanned);
    const isSimple = outline.events.length + outline.oddTrailers.size + outline.tail.length === 0;
    const other = isSimple ? undefined : await findEngine(blob, tar, outline, options);
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

async function findEngine(
  blob: RandomAccess,
  tar: RandomAccess,
  outline: Outline,
  options: FindOptions,
): Promise<FoundRecipe | undefined> {
  const header = readGzipHeader(blob, 0);
  const first = readFirstBlock(blob, header.bytes.length);
  for (const engine of listCandidates(header, first)) {
    const recipe: Recipe = { ...eventsFor(engine, outline), engine, corrections: new Uint8Array(0) };
    const proof = startProof(blob, tar, recipe, options);
    if (!(await proof.run(Math.min(TRIAL_BYTES, tar.sizeBytes)))) continue;
    if (!(await proof.run(tar.sizeBytes)) || !proof.finish()) continue;
    return describe(recipe);
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

interface Proof {
  /** Goes on to plain byte `until`; false as soon as the blob differs from what comes out. */
  run(until: number): Promise<boolean>;
  /** Ends the replay; whether the blob is exactly what came out. */
  finish(): boolean;
}

function startProof(blob: RandomAccess, tar: RandomAccess, recipe: Recipe, options: FindOptions): Proof {
  let compared = 0;
  let agrees = true;
  const expected = Buffer.alloc(STEP_BYTES);
  const recreation = startRecreation(recipe, (piece) => {
    for (let at = 0; at < piece.length && agrees; ) {
      const part = expected.subarray(0, Math.min(piece.length - at, expected.length));
      blob.readAt(compared, part);
      agrees = part.compare(piece, at, at + part.length) === 0;
      at += part.length;
      compared += part.length;
    }
  });
  const pieces = readPieces(tar, new Uint8Array(STEP_BYTES));
  let done = 0;
  let turn = 0;
  return {
    async run(until) {
      while (done < until && agrees) {
        options.signal?.throwIfAborted();
        const next = pieces.next();
        if (next.done === true) break;
        if (!attempt(() => recreation.write(next.value))) agrees = false;
        done += next.value.length;
        turn += next.value.length;
        if (turn < TURN_BYTES) continue;
        turn = 0;
        options.onProgress?.(done, tar.sizeBytes);
        await setImmediate();
      }
      return agrees;
    },
    finish: () => agrees && attempt(() => recreation.finish()) && agrees && compared === blob.sizeBytes,
  };
}

/** Whether it went through without the replay growing past, or staying short of, the blob's size. */
function attempt(step: () => void): boolean {
  try {
    step();
    return true;
  } catch (error) {
    if (error instanceof DidiffError && error.code === 'CORRUPT_INPUT') return false;
    throw error;
  }
}
