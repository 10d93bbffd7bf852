import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesAccess, type RandomAccess } from './access.ts';
import { readAhead } from './read-ahead.ts';

const SIZE = 200_000;
const bytes = Uint8Array.from({ length: SIZE }, (_, at) => (at * 31 + (at >> 8) * 7) & 255);

function counted(): { source: RandomAccess; reads: number[] } {
  const reads: number[] = [];
  const whole = bytesAccess(bytes);
  const source = {
    sizeBytes: SIZE,
    readAt(position: number, into: Uint8Array) {
      reads.push(into.length);
      whole.readAt(position, into);
    },
  };
  return { source, reads };
}

function read(from: RandomAccess, position: number, count: number): Buffer {
  const into = Buffer.alloc(count);
  from.readAt(position, into);
  return into;
}

test('gives what the source has, wherever it is read', () => {
  const jump = fc.record({
    by: fc.integer({ min: -9000, max: 9000 }),
    count: fc.integer({ min: 0, max: 9000 }),
  });
  const reads = fc.record({ start: fc.nat(SIZE), jumps: fc.array(jump, { maxLength: 60 }) });
  fc.assert(
    fc.property(reads, ({ start, jumps }) => {
      const ahead = readAhead(bytesAccess(bytes));
      let position = start;
      for (const { by, count } of jumps) {
        position = Math.max(0, Math.min(SIZE, position + by));
        const size = Math.min(count, SIZE - position);
        const found = read(ahead, position, size);
        expect(found.equals(bytes.subarray(position, position + size))).toBe(true);
        position += size;
      }
    }),
  );
});

test('reads seldom for small pieces one behind the other, and just what is asked for at random', () => {
  const inOrder = counted();
  const ahead = readAhead(inOrder.source);
  for (let at = 0; at + 1100 < SIZE; at += 1100) read(ahead, at, 1000);
  expect(inOrder.reads.length).toBeLessThan(8);
  const atRandom = counted();
  const apart = readAhead(atRandom.source);
  for (let at = 0; at + 100 < SIZE; at += 20_000) read(apart, at, 100);
  expect(atRandom.reads.every((count) => count === 100)).toBe(true);
});

test('a read past the end fails as the source does, and spoils nothing', () => {
  const ahead = readAhead(bytesAccess(bytes));
  read(ahead, SIZE - 100, 50);
  expect(() => read(ahead, SIZE - 50, 51)).toThrow(RangeError);
  expect(read(ahead, SIZE - 50, 50).equals(bytes.subarray(SIZE - 50))).toBe(true);
  expect(() => read(ahead, SIZE - 10, 11)).toThrow(RangeError);
});
