import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chooseBlocks } from './choose-blocks.ts';

const weights = fc.array(fc.integer({ min: 0, max: 1000 }), { maxLength: 60 });

test('no more blocks are chosen than were asked for, ascending, and none without weight', () => {
  fc.assert(
    fc.property(weights, fc.integer({ min: 1, max: 40 }), (given, count) => {
      const { blocks, certain } = chooseBlocks(given, count);
      expect(blocks.length).toBeLessThanOrEqual(count);
      expect(blocks).toEqual([...new Set(blocks)].sort((a, b) => a - b));
      expect(blocks.every((at) => given[at]! > 0)).toBe(true);
      expect([...certain].every((at) => blocks.includes(at))).toBe(true);
      expect(blocks.length > 0).toBe(given.some((weight) => weight > 0));
    }),
  );
});

test('all of them are, when there are no more', () => {
  fc.assert(
    fc.property(weights, (given) => {
      const { blocks } = chooseBlocks(given, given.length);
      expect(blocks).toEqual([...given.keys()].filter((at) => given[at]! > 0));
    }),
  );
});

test('what outweighs its share stands for itself', () => {
  const { blocks, certain } = chooseBlocks([1, 1, 1, 1, 100, 1, 1, 1, 1], 3);
  expect([...certain]).toEqual([4]);
  expect(blocks).toHaveLength(3);
});

test('of others those three times as heavy are chosen three times as often', () => {
  const given = Array.from({ length: 300 }, (_, at) => 1 + 2 * (at % 2));
  const { blocks, certain } = chooseBlocks(given, 40);
  expect(certain.size).toBe(0);
  expect(blocks).toHaveLength(40);
  expect(blocks.filter((at) => given[at] === 3)).toHaveLength(30);
});
