import fc from 'fast-check';
import { expect, test } from 'vitest';
import { buildGo, type GoSpec } from '../../../test/predict/build-go.ts';
import {
  countPlain,
  expectRoundTrip,
  hostileNumber,
  match,
  regionsOf,
  withDamage,
} from '../../../test/predict/round-trip.ts';
import { bytesAccess } from '../../bytes/access.ts';
import { findGoWords } from './go-words.ts';
import { openOldBytes } from './old-bytes.ts';
import { parseElf } from './parse.ts';

const COUNT = 300;

function spec(version: GoSpec['version']): GoSpec {
  return {
    version,
    functions: Array.from({ length: COUNT }, (_, i) => ({
      name: `main.function_${(i * 7919) % 1000}_${i}`,
      bytes: 48 + ((i * 37) % 200),
    })),
    types: Array.from({ length: 60 }, (_, i) => ({
      name: `*main.Type_${(i * 7919) % 1000}_${i}`,
      methods: Array.from({ length: i % 5 }, (_, k) => (i * 5 + k) % COUNT),
    })),
  };
}

/** With a function and a type between the others; methods stay those of the same functions. */
function changed(before: GoSpec): GoSpec {
  const moved = (each: number) => (each < 40 ? each : each + 1);
  const types = before.types.map((each) => ({ ...each, methods: each.methods.map(moved) }));
  return {
    ...before,
    functions: before.functions.toSpliced(40, 0, { name: 'main.added', bytes: 333 }),
    types: types.toSpliced(20, 0, { name: '*main.Added', methods: [3, 40] }),
  };
}

for (const version of [18, 20] as const) {
  test(`of executables of Go 1.${version} that differ by a function and a type, nearly every byte is predicted`, () => {
    const old = buildGo(spec(version));
    const next = buildGo(changed(spec(version)));
    const regions = match(old, next);
    const plain = countPlain(old, regions, next);
    const wrong = expectRoundTrip(old, regions, next);
    expect(plain).toBeGreaterThan(4000);
    expect(wrong).toBeLessThan(plain / 25);
  });

  test(`of equal executables of Go 1.${version} every byte is predicted`, () => {
    const old = buildGo(spec(version));
    expect(expectRoundTrip(old, match(old, old), old)).toBe(0);
  });
}

test('words are known by what they count from', () => {
  const bytes = openOldBytes(bytesAccess(buildGo(spec(20))));
  const image = parseElf(bytes)!;
  const words = findGoWords(bytes, image)!;
  const { functions, module } = image.go!;
  const at = (offset: number) => words.baseAt(offset)?.address;
  expect(at(functions.functions)).toBe(functions.textStart);
  expect(at(functions.functions + 4)).toBe(functions.functions + functions.shift);
  const record = functions.functions + bytes.u32(functions.functions + 4);
  // Entry, name; arguments and deferring none; three programs; their count none; the unit, its first line none.
  const bases = [0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44, 48, 56].map((each) => at(record + each));
  const { names, programs, units, shift } = functions;
  const program = programs + shift;
  expect(bases).toEqual([
    functions.textStart,
    names + shift,
    undefined,
    undefined,
    program,
    program,
    program,
    undefined,
    units + shift,
    undefined,
    undefined,
    program,
    module!.functionData,
    module!.functionData,
  ]);
  expect(words.baseAt(record + 32)?.unitBytes).toBe(4);
  const links = image.sections.find((each) => each.address === module!.typeLinks)!.offset;
  expect(at(links)).toBe(module!.types);
  const type = module!.types - shiftOf(image.sections, module!.types) + bytes.u32(links);
  expect([24, 32, 36, 40, 44].map((each) => at(type + each))).toEqual([
    0,
    0,
    undefined,
    module!.types,
    module!.types,
  ]);
});

function shiftOf(sections: readonly { address: number; offset: number; size: number }[], address: number) {
  const section = sections.find((each) => address >= each.address && address < each.address + each.size)!;
  return section.address - section.offset;
}

test('tables of another Go, or that lie, are read-only data as any', () => {
  const whole = buildGo(spec(20));
  const start = parseElf(openOldBytes(bytesAccess(whole)))!.go!.functions;
  const header = start.address - start.shift;
  for (const [at, value] of [
    [0, 0xfffffffb],
    [4, 1],
    [8, 0x7fffffff],
    [64, 0x7fffffff],
    [40, 1],
  ] as const) {
    const other = whole.slice();
    new DataView(other.buffer).setUint32(header + at, value, true);
    expect(parseElf(openOldBytes(bytesAccess(other)))!.go, `at ${at}`).toBeUndefined();
  }
});

test('both sides agree on executables of Go damaged anywhere, with any regions', () => {
  for (const version of [18, 20] as const) {
    const old = buildGo(spec(version));
    const next = buildGo(changed(spec(version)));
    const planned = match(old, next);
    const { go, areas } = parseElf(openOldBytes(bytesAccess(old)))!;
    const { functions, buckets } = go!;
    const module = areas.find((each) => each.section?.writable === true)!;
    const near = (from: number, to: number) => fc.integer({ min: from, max: to - 9 });
    const place = fc.oneof(
      near(functions.names - 96, functions.names),
      near(functions.functions, functions.end),
      near(module.start, module.start + 500),
      near(buckets.start, buckets.end),
      near(0, old.length),
    );
    const damage = fc.array(fc.tuple(place, hostileNumber), { maxLength: 6 });
    const regions = fc.oneof(fc.constant(planned), regionsOf(old.length, next.length));
    fc.assert(
      fc.property(damage, damage, regions, (oldDamage, newDamage, chosen) => {
        expectRoundTrip(withDamage(old, oldDamage), chosen, withDamage(next, newDamage));
      }),
      { numRuns: 60 },
    );
  }
});
