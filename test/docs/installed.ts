/** didiff as its users have it: built into a package of its own, with a `didiff` and an `npx` that find it. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface Installed {
  /** The folder that examples run in. */
  readonly directory: string;
  /** Runs a line in a shell: what comes out, on both streams in their order. Throws when it fails. */
  run(line: string): string;
  /** Compiles and runs a module that imports 'didiff'. Throws with what the compiler or the module said. */
  runModule(name: string, source: string): string;
  remove(): void;
}

export function install(): Installed {
  const root = mkdtempSync(join(tmpdir(), 'didiff-docs-'));
  const directory = join(root, 'work');
  const bin = join(root, 'bin');
  for (const path of [directory, bin]) mkdirSync(path);
  const { name, version, type, exports } = JSON.parse(readFileSync('package.json', 'utf8'));
  writeFileSync(join(root, 'package.json'), JSON.stringify({ name, version, type, exports }));
  symlinkSync(resolve('node_modules'), join(root, 'node_modules'));
  execFileSync(process.execPath, ['scripts/build.mjs', join(root, 'dist')], { stdio: 'inherit' });
  const main = join(root, 'dist/cli/main.js');
  writeFileSync(join(bin, 'didiff'), `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`, {
    mode: 0o755,
  });
  writeFileSync(join(bin, 'npx'), '#!/bin/sh\nexec "$@"\n', { mode: 0o755 });
  const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}`, NO_COLOR: '1', TMPDIR: root };
  return {
    directory,
    run(line) {
      const shell = spawnSync('/bin/sh', ['-c', `{ ${line}\n} 2>&1`], {
        cwd: directory,
        env,
        encoding: 'utf8',
      });
      if (shell.status !== 0) throw new Error(`${line} ended with ${shell.status}:\n${shell.stdout}`);
      return shell.stdout;
    },
    runModule(file, source) {
      writeFileSync(join(root, `${file}.ts`), source);
      compile(root, `${file}.ts`);
      const done = spawnSync(process.execPath, [join(root, `${file}.js`)], {
        cwd: directory,
        env,
        encoding: 'utf8',
      });
      if (done.status !== 0) throw new Error(`${file} ended with ${done.status}:\n${done.stderr}`);
      return done.stdout;
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

function compile(root: string, file: string): void {
  const settings = {
    extends: resolve('tsconfig.build.json'),
    compilerOptions: {
      rootDir: root,
      outDir: root,
      types: ['node'],
      typeRoots: [resolve('node_modules/@types')],
      declaration: false,
    },
    include: [],
    files: [join(root, file)],
  };
  const project = join(root, 'tsconfig.json');
  writeFileSync(project, JSON.stringify(settings));
  try {
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', project], { encoding: 'utf8' });
  } catch (error) {
    throw new Error(`${file}:\n${(error as { stdout: string }).stdout}`);
  }
}
