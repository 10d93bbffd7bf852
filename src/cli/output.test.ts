import { describe, expect, test } from 'vitest';
import { openOutput, paint, toJson } from './output.ts';
import type { ProgressMode } from './progress.ts';

interface Setting {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly progress?: ProgressMode;
  readonly isTTY?: boolean;
  readonly env?: Record<string, string>;
}

function setUp({ json = false, quiet = false, progress = 'auto', isTTY = false, env = {} }: Setting) {
  const written = { stdout: '', stderr: '', both: '' };
  const streamTo = (name: 'stdout' | 'stderr') => ({
    isTTY,
    columns: 60,
    write(text: string) {
      written[name] += text;
      written.both += text;
    },
  });
  const terminal = { stdout: streamTo('stdout'), stderr: streamTo('stderr'), env, now: () => 0 };
  return { written, terminal, output: openOutput({ json, quiet, progress }, terminal) };
}

const EVENT = { phase: 'reading', doneBytes: 1, totalBytes: 2 };

describe('the result', () => {
  test('is text for people, made only when it is shown', () => {
    const { output, written } = setUp({});
    output.result({ id: 1 }, () => 'ID 1');
    expect(written).toMatchObject({ stdout: 'ID 1\n', stderr: '' });
  });

  test('is one object on one line with --json', () => {
    const { output, written } = setUp({ json: true });
    output.result({ name: 'a\nb', size: 2n ** 60n }, () => expect.unreachable('no text was asked for'));
    expect(written.stdout).toBe('{"name":"a\\nb","size":"1152921504606846976"}\n');
    expect(toJson([1n])).toBe('["1"]');
  });

  test('is printed with --quiet too, and after the progress line is gone', () => {
    const quiet = setUp({ quiet: true });
    quiet.output.result({}, () => 'x');
    expect(quiet.written.stdout).toBe('x\n');
    const { output, written } = setUp({ isTTY: true });
    output.onProgress(EVENT);
    output.result({}, () => 'done');
    expect(written.both.endsWith('\x1b[K\r\x1b[Kdone\n')).toBe(true);
  });

  test('can not send commands to the terminal', () => {
    const { output, written } = setUp({});
    output.result({}, () => 'name\x1b]0;owned\x07');
    expect(written.stdout).toBe('name\ufffd]0;owned\ufffd\n');
  });
});

describe('notes and warnings', () => {
  test('go to standard error; with --quiet only warnings', () => {
    const loud = setUp({});
    loud.output.note('kept');
    loud.output.warn('odd');
    expect(loud.written).toMatchObject({ stdout: '', stderr: 'kept\nwarning: odd\n' });
    const quiet = setUp({ quiet: true });
    quiet.output.note('kept');
    quiet.output.warn('odd');
    expect(quiet.written.stderr).toBe('warning: odd\n');
  });

  test('are JSON lines with --json', () => {
    const { output, written } = setUp({ json: true });
    output.note('kept');
    output.warn('odd');
    expect(written.stderr).toBe('{"note":"kept"}\n{"warning":"odd"}\n');
  });

  test('never stand behind the progress line', () => {
    const { output, written } = setUp({ isTTY: true, env: { NO_COLOR: '1' } });
    output.onProgress(EVENT);
    output.warn('odd');
    expect(written.stderr).toBe('\rreading  50%  1 B / 2 B\x1b[K\r\x1b[Kwarning: odd\n');
  });
});

describe('progress', () => {
  test.each<[string, Setting, string]>([
    ['a line on a terminal', { isTTY: true }, '\rreading  50%  1 B / 2 B\x1b[K\r\x1b[K'],
    ['nothing elsewhere', {}, ''],
    ['nothing on a terminal that can not go back', { isTTY: true, env: { TERM: 'dumb' } }, ''],
    ['nothing with --quiet', { isTTY: true, quiet: true, progress: 'json' }, ''],
    [
      'plain lines when asked, also on a terminal',
      { isTTY: true, progress: 'plain' },
      'reading: 50%, 1 B / 2 B\n',
    ],
    [
      'JSON lines when asked',
      { progress: 'json' },
      '{"progress":{"phase":"reading","doneBytes":1,"totalBytes":2}}\n',
    ],
    ['nothing when none is asked', { isTTY: true, progress: 'none' }, ''],
  ])('is %s', (_, setting, expected) => {
    const { output, written } = setUp(setting);
    output.onProgress(EVENT);
    output.endProgress();
    expect(written).toMatchObject({ stdout: '', stderr: expected });
  });
});

test.each<[boolean, Record<string, string>, boolean]>([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { NO_COLOR: '' }, true],
  [true, { TERM: 'dumb' }, false],
])('colours on a terminal: %s, with %o: %s', (isTTY, env, isPainted) => {
  const { terminal } = setUp({ isTTY, env });
  expect(paint('didiff:', 'red', terminal)).toBe(isPainted ? '\x1b[31mdidiff:\x1b[0m' : 'didiff:');
});
