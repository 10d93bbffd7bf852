/** The program as a process of its own: signals, pipes that close, and what it costs to start. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const directory = mkdtempSync(join(tmpdir(), 'didiff-cli-'));
const main = join(directory, 'dist/cli/main.js');
const waiting = join(directory, 'dist/cli/waiting.js');
afterAll(() => rmSync(directory, { recursive: true }));

/** A command that shows progress and waits: until it is aborted, or for good when it is called deaf. */
const WAITING = `
import { runCli } from './run.js';
const wait = { register(program, context) {
  program.command('wait [how]').action(async (how, options, command) => {
    const { output, signal } = context.start(command);
    process.stdout.write('started\\n');
    const timer = setInterval(() => {}, 1000);
    try {
      await new Promise((_, reject) => {
        if (how !== 'deaf') signal.addEventListener('abort', () => reject(signal.reason));
      });
    } finally { clearInterval(timer); process.stdout.write('cleaned up\\n'); }
  });
} };
const terminal = { stdout: process.stdout, stderr: process.stderr, env: process.env, now: () => performance.now() };
process.exitCode = await runCli(process.argv.slice(2), [wait], terminal, process);
`;

beforeAll(() => {
  const settings = {
    extends: resolve('tsconfig.build.json'),
    compilerOptions: {
      rootDir: resolve('src'),
      outDir: join(directory, 'dist'),
      types: ['node'],
      typeRoots: [resolve('node_modules/@types')],
    },
    include: [],
    files: [resolve('src/cli/main.ts')],
  };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(settings));
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module', version: '9.8.7' }));
  symlinkSync(resolve('node_modules'), join(directory, 'node_modules'));
  mkdirSync(join(directory, 'dist'));
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', directory], { stdio: 'inherit' });
  writeFileSync(waiting, WAITING);
});

async function finish(child: ChildProcess): Promise<{ code: number | null; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (text) => (stdout += text));
  child.stderr?.on('data', (text) => (stderr += text));
  const code = await new Promise<number | null>((done) => child.on('close', done));
  return { code, stdout, stderr };
}

/** Starts the waiting command, and sends `signals` one after the other once it runs. */
async function interrupt(how: string, signals: readonly NodeJS.Signals[]) {
  const child = spawn(process.execPath, [waiting, 'wait', how], { stdio: 'pipe' });
  const finished = finish(child);
  await new Promise((started) => child.stdout.once('data', started));
  for (const signal of signals) {
    child.kill(signal);
    // Two signals that are sent at once may arrive as one.
    await new Promise((done) => setTimeout(done, 300));
  }
  return await finished;
}

describe('signals', () => {
  test.each<[NodeJS.Signals, number]>([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ])('%s lets the command clean up, and ends with %d', async (name, code) => {
    expect(await interrupt('politely', [name])).toEqual({
      code,
      stdout: 'started\ncleaned up\n',
      stderr: `didiff: stopped by ${name} before it was done; nothing was changed\n`,
    });
  });

  test('the second one ends the process at once', async () => {
    expect(await interrupt('deaf', ['SIGINT', 'SIGINT'])).toMatchObject({ code: 130, stdout: 'started\n' });
  });
});

describe('the program', () => {
  test('shows its version and completion scripts', () => {
    expect(execFileSync(process.execPath, [main, '--version'], { encoding: 'utf8' })).toBe('9.8.7\n');
    const script = execFileSync(process.execPath, [main, 'completion', 'bash'], { encoding: 'utf8' });
    expect(spawnSync('bash', ['-n'], { input: script }).status).toBe(0);
  });

  test('ends quietly when the reader of its output goes away', () => {
    const script = `set -o pipefail; "$0" "$1" --help | true; echo "status $?" ; "$0" "$1" completion zsh | head -n 1`;
    for (let turn = 0; turn < 5; turn++) {
      const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, main], {
        encoding: 'utf8',
      });
      expect({ stdout, stderr }).toEqual({ stdout: 'status 0\n#compdef didiff\n', stderr: '' });
    }
  });

  test('says so when its output can not be written', () => {
    const script = `"$0" "$1" --help >/dev/full; echo "status $?"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script, process.execPath, main], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('status 12\n');
    expect(stderr).toMatch(/^didiff: ENOSPC.*\nhint: Free some space/);
  });

  test('ends with 2 and one clear line for a command that is not there', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'complete'], { encoding: 'utf8' });
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toBe(
      "didiff: unknown command 'complete'\nhint: Did you mean 'completion'? See 'didiff --help'.\n",
    );
  });
});
