import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { readRange } from '../bytes/access.ts';
import { encodeVarint } from '../bytes/varint.ts';
import { openSpool } from './spool.ts';

const directory = mkdtempSync(join(tmpdir(), 'didiff-spool-'));
afterAll(() => rmSync(directory, { recursive: true }));

const appends = fc.array(
  fc.record({
    sizeBytes: fc.oneof(fc.nat(40), fc.nat(5000), fc.nat(90_000)),
    byte: fc.nat(255),
    step: fc.nat(10_000),
  }),
  { maxLength: 12 },
);

test('what was appended comes back, whether it went to a file or not, and no file is left', () => {
  fc.assert(
    fc.property(appends, (all) => {
      const spool = openSpool(directory);
      const pieces = all.map(({ sizeBytes, byte }) => new Uint8Array(sizeBytes).map((_, at) => byte + at));
      for (const piece of pieces) spool.append(piece, 0);
      const whole = Buffer.concat(pieces);
      expect(spool.sizeBytes).toBe(whole.length);
      const content = spool.content();
      expect(content.sizeBytes).toBe(whole.length);
      expect(Buffer.compare(readRange(content, 0, whole.length, whole.length), whole)).toBe(0);
      spool.close();
      expect(readdirSync(directory)).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('a byte is never said to be needed later than it is, and never much earlier', () => {
  fc.assert(
    fc.property(appends, (all) => {
      const spool = openSpool(directory);
      const truth: { start: number; end: number; produced: number }[] = [];
      let produced = 0;
      for (const { sizeBytes, step } of all) {
        truth.push({ start: spool.sizeBytes, end: spool.sizeBytes + sizeBytes, produced });
        spool.append(new Uint8Array(sizeBytes), produced);
        produced += step;
      }
      let last = 0;
      for (const [index, { start, end, produced: needed }] of truth.entries()) {
        for (const position of [start, end - 1]) {
          if (position < start) continue;
          const said = spool.neededAt(position);
          expect(said).toBeLessThanOrEqual(needed);
          expect(said).toBeGreaterThanOrEqual(last);
          last = said;
        }
        // Notes are 2 KiB apart: what was appended that much before is the earliest that may be said.
        const earliest = truth.slice(0, index + 1).filter((each) => each.end > start - 4096)[0]!;
        if (end > start)
          expect(spool.neededAt(start)).toBeGreaterThanOrEqual(Math.min(needed, earliest.produced));
      }
      spool.close();
    }),
    { numRuns: 100 },
  );
});

test('numbers are appended as varints', () => {
  const spool = openSpool(directory);
  for (const value of [0, 300, 2 ** 40]) spool.appendNumber(value, 0);
  const expected = Buffer.concat([0, 300, 2 ** 40].map(encodeVarint));
  expect(Buffer.from(readRange(spool.content(), 0, spool.sizeBytes, 100))).toEqual(expected);
  spool.close();
});
