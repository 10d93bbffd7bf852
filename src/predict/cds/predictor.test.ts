/** Archives of Java classes as both sides of a patch predict them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildCds, CDS_BASE, cdsVersions, HEAP_ADDRESS } from '../../../test/predict/build-cds.ts';
import {
  countPlain,
  expectRoundTrip,
  hostileNumber,
  match,
  regionsOf,
  withDamage,
} from '../../../test/predict/round-trip.ts';
import { bytesAccess } from '../../bytes/access.ts';
import { openOldBytes } from '../elf/old-bytes.ts';
import { openElfPredictor, STEP_BYTES } from '../elf/predictor.ts';
import { parseCdsHeader } from './header.ts';
import { parseCds } from './layout.ts';

const [OLD, NEXT] = cdsVersions();
const REGIONS = match(OLD, NEXT);

function parse(bytes: Uint8Array) {
  return parseCds(openOldBytes(bytesAccess(bytes)));
}

/** Whether each byte is predicted rightly, by the kind of area it is in; literals are not counted. */
function wrongByKind(old: Uint8Array, next: Uint8Array): Record<string, number> {
  const regions = match(old, next);
  const predictor = openElfPredictor(bytesAccess(old), regions, next.length)!;
  const { areas } = parse(next)!;
  const wrong: Record<string, number> = Object.fromEntries(areas.map(({ kind }) => [kind, 0]));
  const buffer = new Uint8Array(STEP_BYTES);
  let at = 0;
  const literal = (end: number) => {
    predictor.literal(at, next.subarray(at, end));
    at = end;
  };
  for (const [index, region] of regions.entries()) {
    literal(region.newStart);
    predictor.startRegion(index);
    for (;;) {
      const start = at;
      const count = predictor.step(buffer, (from, to) => {
        for (let i = from; i < to; i++) {
          const { kind } = areas.find(({ end }) => start + i < end)!;
          if (buffer[i] !== next[start + i]) wrong[kind]!++;
        }
        buffer.set(next.subarray(start + from, start + to), from);
      });
      if (count === 0) break;
      at += count;
    }
  }
  literal(next.length);
  return wrong;
}

test('an archive is taken apart by its own header', () => {
  const image = parse(OLD)!;
  expect(image.areas.map(({ kind }) => kind).filter((kind) => kind !== 'plain')).toEqual([
    'cdsSpace',
    'cdsSpace',
    'cdsTable',
    'cdsSymbolTable',
    'cdsSpace',
    'cdsMap',
    'cdsHeap',
  ]);
  expect(image.cds!.base).toBe(CDS_BASE);
  expect(image.cds!.symbolRegion).toBe(1);
  expect(image.cds!.heap[0]!.address).toBe(HEAP_ADDRESS);
  for (const [i, area] of image.areas.entries()) expect(area.start).toBe(image.areas[i - 1]?.end ?? 0);
  expect(image.areas.at(-1)!.end).toBe(OLD.length);
});

test('of archives that differ by a class, nearly every byte is predicted', () => {
  const plain = countPlain(OLD, REGIONS, NEXT);
  expect(plain).toBeGreaterThan(9_000);
  expect(expectRoundTrip(OLD, REGIONS, NEXT)).toBeLessThan(plain / 30);
});

test.each([17, 25] as const)('what follows from other bytes in JDK %i is predicted whole', (release) => {
  const wrong = wrongByKind(...cdsVersions(release));
  // A class was put in: of what refers to it, nobody knows.
  expect(wrong['cdsSpace']).toBeLessThan(60);
  expect(wrong['cdsSymbolTable']).toBeLessThan(4);
  expect(wrong['cdsMap']).toBeLessThan(8);
  // Of the hashes, which are drawn at random, only the first is not known.
  expect(wrong['cdsHeap']).toBeLessThan(80);
  expect(wrong['cdsTable']).toBeLessThan(120);
});

test('of equal archives every byte is predicted', () => {
  expect(expectRoundTrip(OLD, match(OLD, OLD), OLD)).toBe(0);
});

test('an archive that is mapped elsewhere is predicted from one that is not', () => {
  const spec = { symbols: Array.from({ length: 80 }, (_, i) => `symbol ${i}`), objects: [], seed: 1 };
  const classes = Array.from({ length: 300 }, (_, i) => ({
    id: i,
    name: i % 80,
    refers: [(i * 7) % 300],
    numbers: 1,
  }));
  const [old, next] = [CDS_BASE, 0x7f0000000000].map((base) => buildCds({ ...spec, classes, base }));
  const regions = [{ newStart: 0, oldStart: 0, length: old!.length }];
  expect(countPlain(old!, regions, next!)).toBeGreaterThan(1000);
  expect(expectRoundTrip(old!, regions, next!)).toBeLessThan(80);
});

test.each([17, 25] as const)(
  'both sides agree on archives of JDK %i damaged anywhere, with any regions',
  (release) => {
    const [old, next] = cdsVersions(release);
    const planned = match(old, next);
    const place = fc.oneof(fc.nat(1024), fc.nat(old.length - 9), tableOf(old), trailerOf(old));
    const damage = fc.array(fc.tuple(place, hostileNumber), { maxLength: 6 });
    const regions = fc.oneof(fc.constant(planned), regionsOf(old.length, next.length));
    fc.assert(
      fc.property(damage, damage, regions, (oldDamage, newDamage, chosen) => {
        expectRoundTrip(withDamage(old, oldDamage), chosen, withDamage(next, newDamage));
      }),
      { numRuns: 120 },
    );
  },
);

function tableOf(bytes: Uint8Array): fc.Arbitrary<number> {
  const { start } = parse(bytes)!.cds!.tables[1]!;
  return fc.integer({ min: start, max: start + 64 });
}

/** The words that say where the tables are. */
function trailerOf(bytes: Uint8Array): fc.Arbitrary<number> {
  const { offset, sizeBytes } = parse(bytes)!.cds!.core[1]!;
  return fc.integer({ min: 0, max: 8 }).map((word) => offset + sizeBytes - 72 + 8 * word);
}

test('both sides agree on any bytes behind the header of an archive', () => {
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 3000 });
  fc.assert(
    fc.property(bytes, bytes, fc.nat(12_000), (body, next, at) => {
      const old = Uint8Array.from(OLD);
      old.set(body, Math.min(4096 + at, old.length - body.length));
      const length = Math.min(old.length, next.length);
      expectRoundTrip(old, [{ newStart: 0, oldStart: 4096, length }], next);
    }),
    { numRuns: 60 },
  );
});

test('archives cut anywhere are predicted alike or not at all', () => {
  for (let size = 0; size < OLD.length; size += 1531) {
    const length = Math.min(size, NEXT.length);
    const regions = length === 0 ? [] : [{ newStart: 0, oldStart: 0, length }];
    expectRoundTrip(OLD.subarray(0, size), regions, NEXT);
  }
});

test.each([OLD, cdsVersions(25)[0]])('headers of any numbers are read, or are none', (whole) => {
  const place = fc.nat(127).map((word) => 8 * word);
  fc.assert(
    fc.property(fc.array(fc.tuple(place, hostileNumber), { maxLength: 12 }), (damage) => {
      const bytes = withDamage(whole, damage);
      const header = parseCdsHeader(openOldBytes(bytesAccess(bytes)), bytes.length);
      if (header === undefined) return;
      let end = 0;
      for (const { offset, address, sizeBytes } of header.core) {
        expect(offset).toBeGreaterThanOrEqual(end);
        end = offset + sizeBytes;
        expect(end).toBeLessThanOrEqual(bytes.length);
        expect(Number.isSafeInteger(address + sizeBytes)).toBe(true);
      }
      const maps = [...header.coreMaps, ...header.heapMaps].filter((each) => each !== undefined);
      const room = header.map === undefined ? 0 : header.map.end - header.map.start;
      for (const { start, bits } of maps) expect(start + bits / 8).toBeLessThanOrEqual(room);
    }),
  );
});

test('regions that begin with the same table, by the thousands, take no longer than others', () => {
  for (const area of parse(OLD)!.areas) {
    const count = 20_000;
    const regions = Array.from({ length: count }, (_, newStart) => ({
      newStart,
      oldStart: area.start,
      length: 1,
    }));
    const predictor = openElfPredictor(bytesAccess(OLD), regions, count)!;
    const buffer = new Uint8Array(STEP_BYTES);
    const before = performance.now();
    for (let i = 0; i < count; i++) {
      predictor.startRegion(i);
      while (predictor.step(buffer, () => {}) > 0);
    }
    expect(performance.now() - before).toBeLessThan(5_000);
  }
});
