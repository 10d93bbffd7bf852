import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DidiffError } from '../errors.ts';
import type { CommandModule, CommandRun } from './command.ts';
import { completionCommand } from './completion.ts';
import { runCli } from './run.ts';
import type { SignalSource } from './signals.ts';
import { versionCommand } from './version.ts';

type Action = (run: CommandRun, patch: string, send: (signal: string) => void) => unknown;

/** Runs a command line of a program that has one more command, `apply`, which does `action`. */
async function run(argv: readonly string[], action: Action = () => {}, isTTY = false) {
  const written = { stdout: '', stderr: '' };
  const emitter = new EventEmitter();
  const source = Object.assign(emitter, { exit: () => expect.unreachable() }) as unknown as SignalSource;
  const apply: CommandModule = {
    register(program, context) {
      program
        .command('apply <patch>')
        .description('Use a patch')
        .option('--to <dest>')
        .action(async (patch: string, _options, command) => {
          await action(context.start(command), patch, (signal) => emitter.emit(signal, signal));
        });
    },
  };
  const stream = (name: 'stdout' | 'stderr') => ({
    isTTY,
    columns: 100,
    write: (text: string) => (written[name] += text),
  });
  const terminal = {
    stdout: stream('stdout'),
    stderr: stream('stderr'),
    env: { NO_COLOR: '1' },
    now: () => 0,
  };
  const exitCode = await runCli(argv, [apply, completionCommand, versionCommand], terminal, source);
  expect(emitter.eventNames()).toEqual([]);
  return { exitCode, ...written };
}

describe('errors of use', () => {
  test.each<[string[], string, string]>([
    [['aply', 'x'], "unknown command 'aply'", "Did you mean 'apply'? See 'didiff --help'."],
    [['apply'], "missing required argument 'patch'", "See 'didiff apply --help'."],
    [
      ['apply', 'a', 'b'],
      "too many arguments for 'apply'. Expected 1 argument but got 2.",
      "See 'didiff apply --help'.",
    ],
    [['apply', 'a', '--jsn'], "unknown option '--jsn'", "Did you mean '--json'? See 'didiff apply --help'."],
    [['apply', 'a', '--to'], "option '--to <dest>' argument missing", "See 'didiff apply --help'."],
    [
      ['--progress', 'much', 'apply', 'a'],
      "option '--progress <how>' argument 'much' is invalid. Allowed choices are auto, plain, json, none.",
      "See 'didiff apply --help'.",
    ],
  ])('%j', async (argv, message, hint) => {
    expect(await run(argv)).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: `didiff: ${message}\nhint: ${hint}\n`,
    });
    const json = await run(['--json', ...argv]);
    expect(json.exitCode).toBe(2);
    expect(JSON.parse(json.stderr).error).toMatchObject({ code: 'USAGE', exitCode: 2, message, hint });
  });

  test('no command at all shows the help, as an error', async () => {
    const { exitCode, stdout, stderr } = await run([]);
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^Usage: didiff/);
    expect((await run(['help', 'nothing'])).exitCode).toBe(2);
  });
});

describe('help', () => {
  test.each([[['--help']], [['help']], [['-h']]])('%j is the whole program, with examples', async (argv) => {
    const { exitCode, stdout, stderr } = await run(argv);
    expect([exitCode, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Usage: didiff.*--progress <how>.*apply.*Examples:\n {2}didiff create/s);
  });

  test('of a command names the options of all commands too', async () => {
    const { exitCode, stdout } = await run(['apply', '--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Usage: didiff apply .*--to <dest>.*Global Options:.*--json/s);
    expect((await run(['help', 'apply'])).stdout).toBe(stdout);
  });

  test('and version go to standard output', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(await run(['--version'])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
    expect((await run(['version'])).stdout).toBe(
      `didiff ${version}\nnode ${process.versions.node}, ${process.platform}/${process.arch}\n`,
    );
    expect(JSON.parse((await run(['version', '--json'])).stdout)).toMatchObject({ didiff: version });
  });
});

describe('a command', () => {
  test('gets the options of all commands, given before or behind its name', async () => {
    const seen: unknown[] = [];
    const action: Action = ({ options }, patch) => seen.push({ patch, ...options });
    const given = [
      '--quiet',
      '--temp-dir',
      '/scratch',
      '-H',
      'unix:///x',
      '--platform',
      'linux/arm64',
      '--json',
      '--plain-http',
      '--tls-verify=false',
      '--cert-dir',
      '/certificates',
    ];
    await run(['apply', 'p', ...given, '--progress=plain'], action);
    await run([...given, '--progress', 'plain', 'apply', 'p'], action);
    await run(['apply', 'p'], action);
    const all = { patch: 'p', json: true, quiet: true, progress: 'plain', tempDirectory: '/scratch' };
    const registry = { plainHttp: true, tlsVerify: false, certDirectory: '/certificates' };
    expect(seen[0]).toEqual({ ...all, platform: 'linux/arm64', host: 'unix:///x', registry });
    expect(seen[1]).toEqual(seen[0]);
    expect(seen[2]).toEqual({
      patch: 'p',
      json: false,
      quiet: false,
      progress: 'auto',
      tempDirectory: tmpdir(),
      platform: undefined,
      host: undefined,
      registry: { plainHttp: false, tlsVerify: true, certDirectory: undefined },
    });
  });

  test('that fails ends with the exit code of its error, told once, behind a cleared line', async () => {
    const action: Action = ({ output }) => {
      output.onProgress({ phase: 'reading', doneBytes: 1 });
      throw new DidiffError('BASE_MISMATCH', 'another base', { hint: 'Use the right one.' });
    };
    expect(await run(['apply', 'p'], action, true)).toEqual({
      exitCode: 9,
      stdout: '',
      stderr: '\rreading  1 B\x1b[K\r\x1b[Kdidiff: another base\nhint: Use the right one.\n',
    });
    const defect = await run(['apply', 'p', '--json'], () => Promise.reject(new TypeError('x is undefined')));
    expect(defect.exitCode).toBe(1);
    expect(JSON.parse(defect.stderr).error).toMatchObject({
      code: 'INTERNAL',
      message: 'unexpected TypeError: x is undefined',
    });
  });

  test('leaves no progress line behind when it is done', async () => {
    const action: Action = ({ output }) => output.onProgress({ phase: 'reading', doneBytes: 1 });
    expect((await run(['apply', 'p'], action, true)).stderr).toBe('\rreading  1 B\x1b[K\r\x1b[K');
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])('stopped by %s ends with %d', async (name, code) => {
    const action: Action = async ({ signal }, _patch, send) => {
      const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
      send(name);
      await aborted;
      signal.throwIfAborted();
    };
    const { exitCode, stdout, stderr } = await run(['apply', 'p'], action);
    expect([exitCode, stdout]).toEqual([code, '']);
    expect(stderr).toBe(`didiff: stopped by ${name} before it was done; nothing was changed\n`);
    // Apis of node throw their own AbortError for the same signal.
    const abortError = Object.assign(new Error('The operation was aborted'), { name: 'AbortError' });
    const other = await run(['apply', 'p'], (_run, _patch, send) => {
      send(name);
      throw abortError;
    });
    expect(other.exitCode).toBe(code);
    const shown = await run(['apply', 'p', '--json'], action, true);
    expect(shown.stderr.split('\n')[0]).toBe('{"note":"Stopping and cleaning up; once more ends at once."}');
    expect(JSON.parse(shown.stderr.split('\n')[1]!).error).toMatchObject({
      code: 'CANCELLED',
      exitCode: code,
    });
  });

  test('that finishes in spite of a signal has succeeded', async () => {
    const { exitCode } = await run(['apply', 'p'], (_run, _patch, send) => send('SIGINT'));
    expect(exitCode).toBe(0);
  });
});

test('nothing but commander and small files is loaded before a command runs', () => {
  const loaded = new Set<string>();
  const visit = (file: string): void => {
    if (loaded.has(file)) return;
    loaded.add(file);
    if (!file.endsWith('.ts')) return;
    const text = readFileSync(file, 'utf8');
    for (const [, names, wanted] of text.matchAll(/^import (?!type )([^;]*?) from '([^']+)';$/gms)) {
      const isTypesOnly = /^\{\s*(type \w+,?\s*)+\}$/.test(names!);
      if (!isTypesOnly) visit(wanted!.startsWith('.') ? normalize(join(dirname(file), wanted!)) : wanted!);
    }
  };
  visit('src/cli/main.ts');
  const outside = [...loaded].filter((name) => !name.startsWith('src/cli/')).sort();
  expect(outside).toEqual(['commander', 'node:fs', 'node:os', 'src/errors.ts']);
  expect([...loaded].filter((name) => /completion-/.test(name))).toEqual([]);
});
