/**
 * Finds the engine that makes a DEFLATE stream, for many small streams: what made the last ones is tried first, and the
 * search among all others is bounded for all streams together. An engine is taken only when it made every byte.
 */
import { type RandomAccess, readPieces } from '../bytes/access.ts';
import { listCandidates } from '../deflate/candidates.ts';
import { readEnding } from '../deflate/ending.ts';
import { type EngineChoice, pgzip, pigz } from '../deflate/engines.ts';
import { readFirstBlock } from '../deflate/fingerprint.ts';
import type { GzipHeader } from '../deflate/gzip.ts';
import { DidiffError } from '../errors.ts';
import { type Deflater, openDeflater } from './close-part.ts';

export interface EngineFinder {
  /** The engine that makes just `stream` from `plain`; undefined when none is found. `header` is the gzip member's. */
  find(stream: RandomAccess, plain: RandomAccess, header?: GzipHeader): EngineChoice | undefined;
}

/** Engines that were right, the last first. */
const MOST_RECENT = 4;
/** Engines whose tables are kept. */
const MOST_KEPT = 12;
/** Different engines that are ever found, so that patches name few. */
const MOST_ENGINES = 16;
/** Engines tried on one stream beside those. */
const MOST_TRIED = 32;
/** What a trial costs beside its bytes, in bytes: making the tables takes as long as deflating so many. */
const TRIAL_COST = 1 << 17;
/** Plain bytes of all trials but those of recent engines, about a second's work; streams that nobody made end there. */
const SEARCH_BYTES = 24 << 20;
const PIECE_BYTES = 1 << 14;
/** Those that compress blocks side by side are for what is larger than a file's part. */
const FRAMINGS: ReadonlySet<number> = new Set(
  [pgzip(1, 0, 1 << 20), pigz(1, 0, 1 << 17, 0)].map(({ engine }) => engine),
);

/** What zip archives don't tell: as most of their writers are, zlib at its usual level. */
const NO_HEADER: GzipHeader = { bytes: new Uint8Array(0), mtime: 0, extraFlags: 0, operatingSystem: 3 };

export function openEngineFinder(searchBytes: number = SEARCH_BYTES): EngineFinder {
  const recent: EngineChoice[] = [];
  const found = new Set<string>();
  const deflaters = new Map<string, Deflater>();
  const pieces = new Uint8Array(PIECE_BYTES);
  const expected = new Uint8Array(1 << 16);
  let budget = searchBytes;

  /** Whether the engine makes the stream, and what it was tried on. */
  const tryEngine = (engine: EngineChoice, stream: RandomAccess, plain: RandomAccess) => {
    const key = keyOf(engine);
    const deflater = deflaters.get(key) ?? openDeflater(engine);
    deflaters.delete(key);
    let made = 0;
    let agrees = true;
    deflater.start((piece) => {
      for (let at = 0; at < piece.length && agrees; ) {
        const part = expected.subarray(0, Math.min(piece.length - at, expected.length));
        if (made + part.length > stream.sizeBytes) agrees = false;
        else {
          stream.readAt(made, part);
          agrees = Buffer.compare(part, piece.subarray(at, at + part.length)) === 0;
        }
        at += part.length;
        made += part.length;
      }
    });
    let tried = 0;
    for (const piece of readPieces(plain, pieces)) {
      deflater.write(piece);
      tried += piece.length;
      if (!agrees) return { isRight: false, tried };
    }
    deflater.finish();
    if (deflaters.size === MOST_KEPT) deflaters.delete(deflaters.keys().next().value!);
    deflaters.set(key, deflater);
    return { isRight: agrees && made === stream.sizeBytes, tried };
  };
  const remember = (engine: EngineChoice): EngineChoice => {
    found.add(keyOf(engine));
    const at = recent.indexOf(engine);
    if (at >= 0) recent.splice(at, 1);
    recent.unshift(engine);
    recent.length = Math.min(recent.length, MOST_RECENT);
    return engine;
  };

  return {
    find(stream, plain, header = NO_HEADER) {
      for (const engine of recent) if (tryEngine(engine, stream, plain).isRight) return remember(engine);
      const known = new Set(recent.map(keyOf));
      for (const engine of budget > 0 ? candidatesOf(stream, header) : []) {
        if (budget <= 0) break;
        if (known.has(keyOf(engine)) || (found.size === MOST_ENGINES && !found.has(keyOf(engine)))) continue;
        const { isRight, tried } = tryEngine(engine, stream, plain);
        if (isRight) return remember(engine);
        budget -= tried + TRIAL_COST;
      }
      return undefined;
    },
  };
}

function candidatesOf(stream: RandomAccess, header: GzipHeader): readonly EngineChoice[] {
  try {
    const first = readFirstBlock(stream, 0);
    const ending = readEnding(stream, stream.sizeBytes);
    return listCandidates({ header, first, ending, breaks: [] })
      .filter(({ engine }) => !FRAMINGS.has(engine))
      .slice(0, MOST_TRIED);
  } catch (error) {
    if (error instanceof DidiffError && error.code === 'CORRUPT_INPUT') return [];
    throw error;
  }
}

function keyOf({ engine, version, parameters }: EngineChoice): string {
  return `${engine}.${version}.${parameters.join('.')}`;
}
