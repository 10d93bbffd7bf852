import { expect, test } from 'vitest';
import type { Section } from './image.ts';
import { memoryShifts } from './memory-shifts.ts';

const section = (address: number, size: number): Section => ({
  index: 1,
  type: 8,
  address,
  offset: 0,
  size,
  link: 0,
  info: 0,
  nameOffset: 0,
  entryBytes: 0,
  align: 32,
  alloc: true,
  executable: false,
  writable: true,
  threadLocal: false,
  stored: false,
  kind: 'plain',
});

test('an address moves as the nearest known one below it', () => {
  const shifts = memoryShifts(section(0x1000, 1 << 20));
  expect(shifts.find(0x1000)).toBeUndefined();
  shifts.learn(0x1400, 64);
  shifts.learn(0x2000, 96);
  expect(shifts.find(0x13ff)).toBeUndefined();
  expect(shifts.find(0x1400)).toBe(64);
  expect(shifts.find(0x1fff)).toBe(64);
  expect(shifts.find(0x2000)).toBe(96);
  // Far above, the page tells.
  expect(shifts.find(0x2000 + 128 * 32 * 100)).toBe(96);
  expect(shifts.find(0x2000 + 128 * 32 * 200)).toBeUndefined();
});

test('what lies outside of the section, or of what is kept, is not known', () => {
  const shifts = memoryShifts(section(0x1000, 2 ** 50));
  shifts.learn(0xfff, 5);
  shifts.learn(2 ** 45, 5);
  expect(shifts.find(0xfff)).toBeUndefined();
  expect(shifts.find(2 ** 45)).toBeUndefined();
  expect(shifts.find(0x1000)).toBeUndefined();
});
