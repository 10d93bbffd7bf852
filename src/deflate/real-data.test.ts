/** Slices of real data with writes, flushes and members at random places: a recipe makes what the real encoder made. */
import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { type GoOracle, openGoOracle, type Step } from '../../test/deflate/go-oracle.ts';
import { randomNumbers } from '../../test/deflate/plain.ts';
import { type EngineChoice, goLegacy, goModern } from './engines.ts';
import type { MemberEvent, Recipe } from './recipe.ts';
import { startRecreation } from './recreate.ts';

const HEADER_BYTES = 10;
const ROUNDS = 12;

/** Bytes of this very program, from somewhere in it: code, tables, text, and resources that are compressed. */
function sliceOfProgram(next: () => number): Uint8Array {
  const bytes = new Uint8Array(next() % (next() % 2 === 0 ? 5000 : 300_000));
  const file = openSync(process.execPath, 'r');
  readSync(file, bytes, 0, bytes.length, next() % (statSync(process.execPath).size - bytes.length));
  closeSync(file);
  return bytes;
}

function randomSteps(size: number, next: () => number): Step[] {
  const steps: Step[] = [];
  const longest = next() % 2 === 0 ? 400 : 60_000;
  for (let left = size; left > 0; ) {
    const part = Math.min(left, 1 + (next() % longest));
    steps.push(part);
    left -= part;
    if (next() % 4 === 0) steps.push('flush');
    if (next() % 8 === 0) steps.push('member');
  }
  return steps;
}

function eventsOf(steps: readonly Step[]): MemberEvent[] {
  const events: MemberEvent[] = [];
  let plainOffset = 0;
  for (const step of steps) {
    if (typeof step === 'number') plainOffset += step;
    else events.push({ plainOffset, header: step === 'member' ? 0 : -1 });
  }
  return events;
}

/** The blob that follows from the encoder's header and what was done to it. */
function recreate(engine: EngineChoice, plain: Uint8Array, steps: readonly Step[], blob: Uint8Array): Buffer {
  const pieces: Uint8Array[] = [];
  const recipe: Recipe = {
    engine,
    blobBytes: blob.length,
    plainBytes: plain.length,
    headers: [blob.subarray(0, HEADER_BYTES)],
    events: eventsOf(steps),
    oddTrailers: new Map(),
    tail: new Uint8Array(0),
    corrections: new Uint8Array(0),
  };
  const recreation = startRecreation(recipe, (piece) => pieces.push(piece.slice()));
  for (let at = 0; at < plain.length; at += 50_001) recreation.write(plain.subarray(at, at + 50_001));
  recreation.finish();
  return Buffer.concat(pieces);
}

function holdAgainst(oracle: GoOracle, level: number, engine: EngineChoice): void {
  const next = randomNumbers(level + 500);
  for (let round = 0; round < ROUNDS; round++) {
    const plain = sliceOfProgram(next);
    const steps = randomSteps(plain.length, next);
    const theirs = oracle.gzip(plain, level, steps);
    const ours = recreate(engine, plain, steps, theirs);
    expect(Buffer.compare(ours, theirs), `round ${round}, ${plain.length} bytes, steps ${steps}`).toBe(0);
  }
}

const go = openGoOracle('compress/gzip');
const isLegacy = go !== undefined && /^go1\.(8|9|1\d|2[0-6])(\D|$)/.test(go.release);
// The Debian package is 1.15.12, whose levels 7 to 9 are of another algorithm.
const klauspost = openGoOracle('github.com/klauspost/compress/gzip');
afterAll(() => {
  go?.close();
  klauspost?.close();
});

describe.skipIf(!isLegacy)(`real data comes back as ${go?.release} compresses it`, () => {
  test.each([-2, 0, 1, 2, 4, 6, 9])('at level %i', (level) => holdAgainst(go!, level, goLegacy(level)));
});

describe.skipIf(klauspost === undefined)('real data comes back as klauspost/compress compresses it', () => {
  test.each([-2, 0, 1, 2, 3, 4, 5, 6])('at level %i', (level) =>
    holdAgainst(klauspost!, level, goModern(level, 0)),
  );
});
