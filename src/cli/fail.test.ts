import { describe, expect, test } from 'vitest';
import { DidiffError } from '../errors.ts';
import { failureText, reportFailure } from './fail.ts';

function report(thrown: unknown, json: boolean, env: Record<string, string> = {}, isTTY = false): string {
  let stderr = '';
  const stream = { isTTY, write: (text: string) => (stderr += text) };
  const stdout = { write: () => expect.unreachable('standard output is for results') };
  reportFailure(thrown, json, 9, { stdout, stderr: stream, env, now: () => 0 });
  return stderr;
}

const MISMATCH = new DidiffError('BASE_MISMATCH', 'base app:1 lacks layer 0123', {
  hint: 'Pull app:1 first.',
  data: { layer: 3 },
});

describe('a failure', () => {
  test('is told as what failed, and what to do', () => {
    expect(report(MISMATCH, false)).toBe('didiff: base app:1 lacks layer 0123\nhint: Pull app:1 first.\n');
    expect(report(new DidiffError('LIMIT', 'too much'), false)).toBe('didiff: too much\n');
  });

  test('is red on a terminal only', () => {
    expect(report(MISMATCH, false, {}, true)).toContain('\x1b[31mdidiff:\x1b[0m base');
    expect(report(MISMATCH, false, { NO_COLOR: '1' }, true)).toMatch(/^didiff: base/);
  });

  test('is one JSON line with --json', () => {
    expect(report(MISMATCH, true)).toBe(
      '{"error":{"code":"BASE_MISMATCH","exitCode":9,"message":"base app:1 lacks layer 0123","hint":"Pull app:1 first.","data":{"layer":3}}}\n',
    );
    expect(JSON.parse(report(new DidiffError('LIMIT', 'line\nbreak'), true)).error).toEqual({
      code: 'LIMIT',
      exitCode: 9,
      message: 'line\nbreak',
      data: {},
    });
  });

  test('of the file system has its hint; anything else is owned as a defect', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    expect(report(full, false)).toContain('hint: Free some space, or name another place with --temp-dir.');
    expect(report('a string', false)).toMatch(/^didiff: unexpected Error: a string\nhint: This is a defect/);
  });

  test('can not send commands to the terminal', () => {
    expect(report(new DidiffError('NOT_FOUND', 'no image \x1b[2J'), false)).toBe(
      'didiff: no image \ufffd[2J\n',
    );
  });

  test('has its stack and causes with DIDIFF_DEBUG=1 only', () => {
    const root = new Error('socket hang up');
    const error = new DidiffError('UNREACHABLE', 'engine is away', {
      cause: new Error('request', { cause: root }),
    });
    expect(report(error, false)).toBe('didiff: engine is away\n');
    const text = report(error, false, { DIDIFF_DEBUG: '1' });
    expect(text).toContain('\nDidiffError: engine is away\n    at ');
    expect(text).toMatch(/\ncaused by Error: request\n.*\ncaused by Error: socket hang up\n/s);
    const { causes } = JSON.parse(report(error, true, { DIDIFF_DEBUG: '1' })).error;
    expect(causes.map((stack: string) => stack.split('\n')[0])).toEqual([
      'DidiffError: engine is away',
      'Error: request',
      'Error: socket hang up',
    ]);
  });

  test('whose causes go round in a circle is told once', () => {
    const a = new Error('a');
    const b = new Error('b', { cause: a });
    a.cause = b;
    expect(
      failureText(new DidiffError('INTERNAL', 'x', { cause: a }), true).match(/caused by/g),
    ).toHaveLength(2);
  });
});
