/** The examples of README.md and docs/cli.md run as they stand, and say of options and outputs what is so. */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { applyCommand } from '../src/cli/apply.ts';
import { checkCommand } from '../src/cli/check.ts';
import { EXIT_DIFFER } from '../src/cli/command.ts';
import { completionCommand } from '../src/cli/completion.ts';
import { createCommand } from '../src/cli/create.ts';
import { diffCommand } from '../src/cli/diff.ts';
import { estimateCommand } from '../src/cli/estimate.ts';
import { inspectCommand } from '../src/cli/inspect.ts';
import { listCommand } from '../src/cli/list.ts';
import { mirrorCommand } from '../src/cli/mirror.ts';
import { buildProgram } from '../src/cli/program.ts';
import { pruneCommand } from '../src/cli/prune.ts';
import { pullCommand } from '../src/cli/pull.ts';
import { pushCommand } from '../src/cli/push.ts';
import { versionCommand } from '../src/cli/version.ts';
import { EXIT_CODES } from '../src/errors.ts';
import { getBlock, readBlocks, readTable } from './docs/blocks.ts';
import { linesOf, loosely, readCommands, skipLines } from './docs/console.ts';
import { type Installed, install } from './docs/installed.ts';
import { keysOf } from './docs/keys.ts';
import { writeMultiSample, writeSample, writeSampleArchive } from './docs/sample.ts';

const CLI = 'docs/cli.md';
const README = 'README.md';

let installed: Installed;
beforeAll(() => {
  installed = install();
  const { directory } = installed;
  writeSample(directory, 'images');
  writeMultiSample(directory, 'multi');
  writeSampleArchive(join(directory, 'old.tar'));
  mkdirSync(join(directory, '.demo'));
  writeSample(directory, '.demo/sender');
});
afterAll(() => installed.remove());

describe.each([CLI, README])('the consoles of %s', (document) => {
  const commands = readBlocks(document)
    .filter(({ info }) => info === 'console run')
    .flatMap(readCommands);

  it.each(commands)('$line', ({ line, expected }) => {
    const printed = linesOf(installed.run(line)).map(loosely);
    expect(skipLines(printed, expected)).toEqual(expected.map(loosely));
  });
});

describe('the JSON that docs/cli.md shows', () => {
  const images = 'oci:images:app-1.0 oci:images:app-1.1';
  it.each([
    ['create', `didiff create ${images} json.didiff --json`, []],
    [
      'create-all',
      'didiff create oci:multi:app-1.0 oci:multi:app-1.1 all.didiff --all-platforms --json',
      ['platforms[].report'],
    ],
    ['inspect-all', 'didiff inspect all.didiff --json', []],
    ['apply', 'didiff apply json.didiff --base oci:images:app-1.0 --to oci:json:app-1.1 --json', []],
    ['check', 'didiff check json.didiff --base old.tar --json', []],
    [
      'inspect',
      'didiff inspect json.didiff --base oci:images:app-1.0 --json',
      ['streams', 'target.layers[].streams'],
    ],
    ['estimate', `didiff estimate ${images} --json`, []],
    ['diff', `didiff diff ${images} --json || true`, []],
  ])('has the keys that %s prints', (name, line, open) => {
    const shown = JSON.parse(getBlock(CLI, `keys:${name}`).text);
    expect(keysOf(shown, open)).toEqual(keysOf(JSON.parse(installed.run(line)), open));
  });

  it('has the keys of an error and of progress', () => {
    const [progress, error] = readBlocks(CLI)
      .filter(({ info }) => info === 'json')
      .map(({ text }) => JSON.parse(text));
    expect(JSON.parse(installed.run('didiff inspect app.none --json || true'))).toEqual({
      error: { ...error.error, message: 'there is no file app.none' },
    });
    const lines = installed.run(`didiff create ${images} x.didiff --progress json`).split('\n');
    const found = lines.filter((line) => line.startsWith('{')).flatMap((line) => keysOf(JSON.parse(line)));
    expect(found).not.toEqual([]);
    expect(keysOf(progress)).toEqual(expect.arrayContaining(found));
  });
});

describe('docs/cli.md and --help', () => {
  const modules = [
    createCommand,
    applyCommand,
    checkCommand,
    inspectCommand,
    diffCommand,
    estimateCommand,
    pushCommand,
    listCommand,
    pullCommand,
    pruneCommand,
    mirrorCommand,
    completionCommand,
    versionCommand,
  ];
  const nowhere = { write: () => true };
  const context = { start: () => expect.unreachable() };
  const program = buildProgram(modules, context, { stdout: nowhere, stderr: nowhere });
  const titleOf = (command: Command) =>
    `\`didiff ${[command.name(), ...command.registeredArguments.map((argument) => argument.name().toUpperCase())].join(' ')}\``;
  const optionsOf = (command: Command) =>
    command.options.map(({ short, long }) => [short, long].filter((name) => name !== undefined).join(', '));
  const rowsOf = (title: string) =>
    readTable(CLI, title).map(([cell]) => cell!.replaceAll('`', '').replace(/ [A-Z].*$/, ''));

  it.each(program.commands)('have the options of one command alike', (command) => {
    if (command.options.length === 0) expect(readFileSync(CLI, 'utf8')).toContain(`## ${titleOf(command)}\n`);
    else expect(rowsOf(titleOf(command)).sort()).toEqual(optionsOf(command).sort());
  });

  it('have the options of all commands alike', () => {
    expect(rowsOf('Options of all commands').sort()).toEqual([...optionsOf(program), '-h, --help'].sort());
  });

  it('have every command in the overview', () => {
    const overview = readBlocks(CLI)[0]!.text.matchAll(/^didiff (\w+)/gm);
    const names = new Set([...overview].map(([, name]) => name));
    expect([...names].sort()).toEqual([...program.commands.map((command) => command.name()), 'help'].sort());
  });

  it('have the exit codes of the source', () => {
    const rows = readTable(CLI, 'Exit codes').filter(
      ([code]) => code !== '0' && code !== String(EXIT_DIFFER),
    );
    const found = rows.map(([code, name]) => [name!.replaceAll('`', ''), Number(code)]);
    expect(Object.fromEntries(found)).toEqual(EXIT_CODES);
  });

  it('have the environment of the source', () => {
    const files = installed.run(
      `grep -rhoE "env\\[?[.']+[A-Z_]+|tmpdir\\(" '${process.cwd()}/src' --include=*.ts --exclude=*.test.ts`,
    );
    const names = new Set([...files.matchAll(/env\['([A-Z_]+)/g)].map(([, name]) => name!));
    const rows = readTable(CLI, 'Environment').map(([name]) => name!.replaceAll('`', ''));
    expect(rows.sort()).toEqual([...names, 'TMPDIR'].sort());
  });
});

describe('the modules of README.md', () => {
  const modules = readBlocks(README).filter(({ info }) => info === 'ts run');
  it.each(modules)('line $line', ({ line, text }) => {
    expect(installed.runModule(`readme-${line}`, text)).toMatch(/bytes instead of|sha256:/);
  });
});
