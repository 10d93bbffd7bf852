import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printable } from './format.ts';
import { formatJson, formatLine, formatPlain, openProgress } from './progress.ts';
import { displayWidth } from './width.ts';

/** A stream that keeps what is written, a clock that is set by hand. */
function setUp(mode: 'line' | 'plain' | 'json' | 'none', columns?: number) {
  const written: string[] = [];
  let nowMs = 0;
  const stream = { write: (text: string) => written.push(text), columns };
  const progress = openProgress(mode, stream, () => nowMs);
  return {
    written,
    progress,
    at(ms: number, phase: string, doneBytes: number, totalBytes?: number) {
      nowMs = ms;
      progress.report({ phase, doneBytes, totalBytes });
    },
  };
}

const VIEW = { phase: 'reading layers', doneBytes: 12_300_000, totalBytes: 27e6, bytesPerSecond: 5.1e6 };

describe('the line', () => {
  test('says the phase, how much, how fast, and how long it will take', () => {
    expect(formatLine(VIEW, 100)).toBe('reading layers  45%  12.3 MB / 27.0 MB  5.10 MB/s  3 s left');
    expect(formatLine({ phase: 'loading', doneBytes: 5, bytesPerSecond: 2 }, 100)).toBe(
      'loading  5 B  2 B/s',
    );
    expect(formatLine({ phase: 'loading', doneBytes: 5, totalBytes: 0 }, 100)).toBe('loading  5 B');
  });

  test('says 100% only at the end, and never more', () => {
    expect(formatLine({ phase: 'p', doneBytes: 999_999, totalBytes: 1e6 }, 100)).toContain('  99%');
    expect(formatLine({ phase: 'p', doneBytes: 1e6, totalBytes: 1e6, bytesPerSecond: 1 }, 100)).toBe(
      'p  100%  1.00 MB / 1.00 MB',
    );
    expect(formatLine({ phase: 'p', doneBytes: 2e6, totalBytes: 1e6 }, 100)).toContain('  100%');
  });

  test('drops what matters least when it is narrow, and cuts the phase last', () => {
    const view = { ...VIEW, phase: 'reading registry/team/application:1.2.3' };
    expect(formatLine(view, 60)).toBe('reading…n:1.2.3  45%  12.3 MB / 27.0 MB  5.10 MB/s  3 s left');
    expect(formatLine(view, 56)).toBe('reading re…tion:1.2.3  45%  12.3 MB / 27.0 MB  5.10 MB/s');
    expect(formatLine(view, 40)).toBe('reading …n:1.2.3  45%  12.3 MB / 27.0 MB');
    expect(formatLine(view, 20)).toBe('reading…n:1.2.3  45%');
    expect(formatLine(view, 5)).toBe('re….3');
  });

  test('is never wider than the terminal, and never more than a line', () => {
    const number = fc.nat(1e12);
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        number,
        number,
        number,
        fc.integer({ min: 1, max: 120 }),
        (phase, doneBytes, totalBytes, bytesPerSecond, width) => {
          const line = formatLine({ phase: `${phase}\n`, doneBytes, totalBytes, bytesPerSecond }, width);
          expect(displayWidth(line)).toBeLessThanOrEqual(width);
          expect(printable(line).includes('\n') || line !== printable(line)).toBe(false);
        },
      ),
    );
  });

  test('is redrawn in place, at most ten times a second', () => {
    const { at, written } = setUp('line', 60);
    for (let ms = 0; ms <= 1000; ms++) at(ms, 'reading', ms, 2000);
    expect(written.length).toBe(11);
    for (const text of written) {
      expect(text.startsWith('\r') && text.endsWith('\x1b[K') && text.length <= 59 + 4).toBe(true);
    }
    expect(written.at(-1)).toBe('\rreading  50%  1.00 kB / 2.00 kB  1.00 kB/s  1 s left\x1b[K');
  });

  test('is taken away once, when something else is to be printed and at the end', () => {
    const { at, written, progress } = setUp('line');
    progress.clear();
    expect(written).toEqual([]);
    at(0, 'reading', 1, 2);
    progress.clear();
    progress.clear();
    expect(written.slice(1)).toEqual(['\r\x1b[K']);
    at(200, 'reading', 2, 2);
    progress.end();
    expect(written.at(-1)).toBe('\r\x1b[K');
    expect(written.length).toBe(4);
  });
});

test('plain lines come every three seconds, and at the start and end of a phase', () => {
  const { at, written, progress } = setUp('plain');
  for (let ms = 0; ms <= 7000; ms += 50) at(ms, 'reading', ms * 1000, 7e6);
  at(7100, 'writing', 0);
  at(7200, 'writing', 10);
  progress.end();
  expect(written).toEqual([
    'reading: 0%, 0 B / 7.00 MB\n',
    'reading: 42%, 3.00 MB / 7.00 MB, 1.00 MB/s, 4 s left\n',
    'reading: 85%, 6.00 MB / 7.00 MB, 1.00 MB/s, 1 s left\n',
    'reading: 100%, 7.00 MB / 7.00 MB\n',
    'writing: 0 B\n',
    'writing: 10 B\n',
  ]);
  expect(formatPlain({ phase: 'a\nb', doneBytes: 1 })).toBe('a b: 1 B');
});

test('JSON lines hold the numbers, with the first and last of each phase', () => {
  const { at, written, progress } = setUp('json');
  at(0, 'reading', 0, 100);
  for (let ms = 1; ms < 90; ms++) at(ms, 'reading', ms, 100);
  at(95, 'reading', 100, 100);
  at(96, 'writing', 1);
  progress.end();
  expect(written.map((line) => JSON.parse(line))).toEqual([
    { progress: { phase: 'reading', doneBytes: 0, totalBytes: 100 } },
    { progress: { phase: 'reading', doneBytes: 100, totalBytes: 100 } },
    { progress: { phase: 'writing', doneBytes: 1 } },
  ]);
  expect(written.every((line) => line.endsWith('}\n'))).toBe(true);
  expect(formatJson({ phase: 'p', doneBytes: 1, bytesPerSecond: 1.5 })).toBe(
    '{"progress":{"phase":"p","doneBytes":1,"bytesPerSecond":2}}',
  );
});

test('the rate is that of the last seconds, and falls when nothing comes', () => {
  const { at, written } = setUp('line', 100);
  for (let ms = 0; ms <= 60_000; ms += 100) at(ms, 'reading', ms * 1000, 1e9);
  expect(written.at(-1)).toContain('1.00 MB/s');
  for (let ms = 60_100; ms <= 70_000; ms += 100) at(ms, 'reading', 60e6, 1e9);
  expect(written.at(-1)).toContain('  0 B/s');
  expect(written.at(-1)).not.toContain('left');
});

test('bytes that go back, as when a download starts again, give no negative rate', () => {
  const { at, written } = setUp('line', 100);
  for (let ms = 0; ms <= 2000; ms += 100) at(ms, 'reading', ms * 1000, 1e9);
  for (let ms = 2100; ms <= 4100; ms += 100) at(ms, 'reading', (ms - 2100) * 500, 1e9);
  expect(written.join('')).not.toContain('-');
  expect(written.at(-1)).toContain('500 kB/s');
});

test('nothing is shown when nothing was asked for', () => {
  const { at, written, progress } = setUp('none');
  at(0, 'reading', 1);
  progress.clear();
  progress.end();
  expect(written).toEqual([]);
});
