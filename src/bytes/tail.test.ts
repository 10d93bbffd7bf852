import fc from 'fast-check';
import { expect, test } from 'vitest';
import { openTail } from './tail.ts';

const step = fc.oneof(
  fc.record({ append: fc.integer({ min: 0, max: 70_000 }) }),
  fc.record({ cut: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.constant({ flush: true }),
);

test('what is appended comes to the file in order, whatever is cut off and flushed between', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      let file = Buffer.alloc(0);
      let expected = Buffer.alloc(0);
      const tail = openTail((bytes, position) => {
        expect(position).toBe(file.length);
        file = Buffer.concat([file, bytes]);
      });
      for (const [at, each] of steps.entries()) {
        if ('append' in each) {
          const bytes = Buffer.alloc(each.append, at + 1);
          tail.append(bytes);
          // It was copied, or written.
          bytes.fill(0);
          expected = Buffer.concat([expected, Buffer.alloc(each.append, at + 1)]);
        } else if ('cut' in each) {
          const size = Math.floor(each.cut * expected.length);
          tail.cut(size);
          file = file.subarray(0, size);
          expected = expected.subarray(0, size);
        } else tail.flush();
        expect(tail.sizeBytes).toBe(expected.length);
        expect(file.equals(expected.subarray(0, tail.flushedBytes))).toBe(true);
      }
      tail.flush();
      expect(file.equals(expected)).toBe(true);
    }),
  );
});

test('small pieces are gathered', () => {
  let writes = 0;
  const tail = openTail(() => {
    writes++;
  });
  for (let i = 0; i < 1000; i++) tail.append(new Uint8Array(100));
  tail.flush();
  expect(writes).toBeLessThan(10);
});

test('what could not be written is not taken for written', () => {
  let isFull = true;
  const written: number[] = [];
  const tail = openTail((bytes) => {
    if (isFull) throw new Error('no space');
    written.push(...bytes);
  });
  tail.append(Uint8Array.of(1, 2, 3));
  expect(() => tail.flush()).toThrow('no space');
  expect([tail.flushedBytes, tail.sizeBytes]).toEqual([0, 3]);
  isFull = false;
  tail.flush();
  expect(written).toEqual([1, 2, 3]);
});
