import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_RECORDS, numberList, sortedBy } from './tables.ts';

describe('a list of numbers', () => {
  it('holds what was set, whatever size the numbers are of, and 0 elsewhere', () => {
    const number = fc.oneof(fc.integer(), fc.maxSafeInteger());
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(2000), number), { maxLength: 50 }), (pairs) => {
        const list = numberList();
        for (const [index, value] of pairs) list.set(index, value);
        const expected = new Map(pairs);
        for (let i = 0; i < 2010; i++) expect(list.get(i)).toBe(expected.get(i) ?? 0);
        expect(list.length).toBe(Math.max(0, ...pairs.map(([index]) => index + 1)));
      }),
    );
  });

  it('has room for the functions of large programs, and a bound', () => {
    const list = numberList();
    for (let i = 0; i < 400_000; i++) list.push(i * 3);
    expect(list.get(399_999)).toBe(1_199_997);
    list.set(MAX_RECORDS, 7);
    expect([list.get(MAX_RECORDS), list.length]).toEqual([0, 400_000]);
  });
});

describe('records in the order of their keys', () => {
  it('are found by them, the first of equals first, for keys of any size', () => {
    const key = fc.oneof(fc.nat(20), fc.integer(), fc.maxSafeInteger());
    fc.assert(
      fc.property(fc.array(key, { maxLength: 60 }), (keys) => {
        const sorted = sortedBy(keys.length, (record) => keys[record]!);
        const expected = [...keys.keys()].sort((a, b) => keys[a]! - keys[b]! || a - b);
        expect([...sorted.order]).toEqual(expected);
        for (const each of keys) expect(sorted.find(each)).toBe(keys.indexOf(each));
        expect(sorted.find(0.5)).toBe(-1);
      }),
    );
  });

  it('are as many as large programs have', () => {
    const sorted = sortedBy(400_000, (record) => 5_000_000_000 - record * 7);
    expect(sorted.find(5_000_000_000 - 399_999 * 7)).toBe(399_999);
    expect(sorted.order[0]).toBe(399_999);
  });
});
