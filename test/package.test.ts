/** The package as `npm pack` makes it, with nothing beside it but what it depends on. */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

describe('the package', () => {
  const root = mkdtempSync(join(tmpdir(), 'didiff-package-'));
  const { version, dependencies, files } = JSON.parse(readFileSync('package.json', 'utf8'));
  const run = (...args: string[]) => execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8' });

  beforeAll(() => {
    const built = join(root, 'built');
    mkdirSync(built);
    execFileSync(process.execPath, [resolve('scripts/build.mjs'), join(built, 'dist')], { stdio: 'inherit' });
    for (const path of ['package.json', 'README.md']) cpSync(path, join(built, path));
    for (const path of packedFiles(built)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      cpSync(join(built, path), join(root, path));
    }
    for (const name of Object.keys(dependencies)) {
      mkdirSync(join(root, 'node_modules'), { recursive: true });
      symlinkSync(resolve('node_modules', name), join(root, 'node_modules', name));
    }
    rmSync(built, { recursive: true });
  }, 120_000);
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  test('names what it is made of', () => {
    expect(files).toContain('dist/bundle');
  });

  test('runs as the program, which knows its version', () => {
    expect(run('dist/cli/main.js', '--version')).toBe(`${version}\n`);
    for (const command of ['create', 'apply', 'check', 'inspect', 'diff', 'estimate', 'pull'])
      expect(run('dist/cli/main.js', command, '--help')).toContain(`didiff ${command}`);
    expect(run('dist/cli/main.js', 'completion', 'bash')).toContain('didiff');
  });

  test('has what its code starts threads from', () => {
    const named = readdirSync(join(root, 'dist/bundle')).flatMap((file) => {
      const code = readFileSync(join(root, 'dist/bundle', file), 'utf8');
      const places = code.matchAll(/new URL\("(\.[^"]*)", new URL\("([^"]*)", import\.meta\.url\)/g);
      return [...places].map(([, name, from]) => join(root, 'dist/bundle', dirname(from!), name!));
    });
    expect(named.filter((path) => path.endsWith('/thread.js')).length).toBeGreaterThan(0);
    for (const path of named) expect(existsSync(path), path).toBe(true);
  });

  test('is in ASCII alone, which engines keep in half the memory', () => {
    for (const file of readdirSync(join(root, 'dist/bundle'))) {
      const code = readFileSync(join(root, 'dist/bundle', file));
      expect(
        code.findIndex((byte) => byte > 0x7f),
        file,
      ).toBe(-1);
    }
  });

  test('is loaded as the library, making patches included', () => {
    const script = `
      import * as library from './dist/index.js';
      const failed = await library.createPatch().then(() => '', (error) => error.constructor.name);
      console.log(typeof library.applyPatch, failed);`;
    expect(run('--input-type=module', '-e', script)).toBe('function TypeError\n');
  });
});

function packedFiles(directory: string): string[] {
  const told = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
    cwd: directory,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(told)[0].files.map(({ path }: { path: string }) => path);
}
