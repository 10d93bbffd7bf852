import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { divide } from './divide.ts';

describe('bytes that are divided', () => {
  const share = fc.oneof(fc.constant(0), fc.double({ min: 0.001, max: 1e9, noNaN: true }));

  it('add up, and none is off by a byte', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 40 }),
        fc.array(share, { minLength: 1, maxLength: 200 }),
        (total, shares) => {
          const sum = shares.reduce((a, b) => a + b, 0);
          fc.pre(sum > 0);
          const parts = divide(total, shares);
          expect(parts.reduce((a, b) => a + b, 0)).toBe(total);
          for (const [at, part] of parts.entries()) {
            expect(Math.abs(part - (shares[at]! / sum) * total)).toBeLessThan(1.001);
            if (shares[at] === 0) expect(part).toBe(0);
          }
        },
      ),
    );
  });

  it('go to the largest remainders, and among equals to the first', () => {
    expect(divide(10, [1, 1, 1])).toEqual([4, 3, 3]);
    expect(divide(10, [0, 5.4, 4.6])).toEqual([0, 5, 5]);
    expect(divide(7, [0, 0])).toEqual([0, 0]);
  });
});
