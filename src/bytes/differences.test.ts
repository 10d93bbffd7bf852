import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eachDifference } from './differences.ts';

test('every place at which buffers differ is told, in order, and no other', () => {
  const size = 9000;
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(size - 1), { maxLength: 40 }),
      fc.nat(size),
      fc.nat(size),
      fc.nat(7),
      (places, one, other, shift) => {
        const [from, to] = [Math.min(one, other), Math.max(one, other)];
        const a = new Uint8Array(size + shift).fill(3).subarray(shift);
        const b = Uint8Array.from(a);
        for (const place of places) b[place]! ^= 1 + (place % 255);
        const told: number[] = [];
        eachDifference(a, b, from, to, (at) => told.push(at));
        expect(told).toEqual(
          places.filter((place) => place >= from && place < to).sort((left, right) => left - right),
        );
      },
    ),
  );
});
