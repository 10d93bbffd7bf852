import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, describe, expect, test } from 'vitest';
import { hasShell, pressTab, type ShellName } from '../../test/fixtures/shells.ts';
import { completionCommand } from './completion.ts';
import { bashScript } from './completion-bash.ts';
import { fishScript } from './completion-fish.ts';
import { readCompletionTree } from './completion-tree.ts';
import { zshScript } from './completion-zsh.ts';
import { buildProgram } from './program.ts';

const noStreams = { stdout: { write: () => {} }, stderr: { write: () => {} } };
const context = { start: () => expect.unreachable('completion runs no command') };

const sample = {
  register(program: Command) {
    program
      .command('create <base> <target> <patch>')
      .description("Make a patch: it's small [and: exact]")
      .option('--level <n>', 'effort');
    program
      .command('apply <patch>')
      .description('Use a patch')
      .option('--base <ref>', 'the base')
      .option('--to <dest>', 'where to')
      .option('-t, --tag <name:tag>', 'name')
      .option('--dry-run', 'write nothing');
    program.command('check <patch...>').description('Would it apply?');
  },
};

const tree = readCompletionTree(buildProgram([sample, completionCommand], context, noStreams));
const SCRIPTS = { bash: bashScript(tree), zsh: zshScript(tree), fish: fishScript(tree) };

const directory = mkdtempSync(join(tmpdir(), 'didiff-completion-'));
afterAll(() => rmSync(directory, { recursive: true }));
mkdirSync(join(directory, 'files/layout'), { recursive: true });
mkdirSync(join(directory, 'bin'));
for (const name of ['one.patch', 'other.patch', 'with blank.patch', 'layout/index.json']) {
  writeFileSync(join(directory, 'files', name), '');
}
// Stands for the docker client: what it prints is all that completion takes from it.
writeFileSync(
  join(directory, 'bin/docker'),
  '#!/bin/sh\n[ "$1 $2" = "images --format" ] && printf "nginx:1.25\\nteam/app:2.0\\n<none>:<none>\\n"\n',
);
chmodSync(join(directory, 'bin/docker'), 0o755);
const PATH = `${join(directory, 'bin')}:${process.env['PATH']}`;

test('the tree has the kinds of all values', () => {
  const create = tree.commands.find((command) => command.name === 'create')!;
  expect(create.arguments.map((argument) => [argument.name, argument.kind])).toEqual([
    ['base', 'image'],
    ['target', 'image'],
    ['patch', 'file'],
  ]);
  const valued = tree.globals.filter((option) => option.value !== undefined);
  expect(valued.map(({ names, value }) => [names.at(-1), value!.kind])).toEqual([
    ['--progress', 'words'],
    ['--temp-dir', 'directory'],
    ['--platform', 'words'],
    ['--host', 'any'],
    ['--tls-verify', 'words'],
    ['--cert-dir', 'directory'],
  ]);
  expect(tree.commands.map((command) => command.name)).toEqual([
    'create',
    'apply',
    'check',
    'completion',
    'help',
  ]);
});

const SHELLS: readonly ShellName[] = ['bash', 'zsh', 'fish'];

for (const shell of SHELLS) {
  const isThere = hasShell(shell);
  describe.skipIf(!isThere)(`completion in ${shell}${isThere ? '' : ' (it is not installed)'}`, () => {
    const files = join(directory, 'files');
    const offers = new Map<string, readonly string[]>();
    const LINES = [
      'didiff cr',
      'didiff ',
      'didiff --json app',
      'didiff --progress ',
      'didiff --progress plain ch',
      'didiff apply --d',
      'didiff apply --progress=p',
      'didiff apply --qu',
      'didiff apply on',
      'didiff apply with',
      'didiff --temp-dir ',
      'didiff check one.patch oth',
      'didiff apply --base ngi',
      'didiff apply --base team/',
      'didiff create nginx:1',
      'didiff create nginx:1.25 oci:lay',
      'didiff create nginx:1.25 docker-archive:wi',
      'didiff create a b on',
      'didiff create a docker-a',
      'didiff completion ',
      'didiff help com',
      'didiff --platform linux/arm6',
      'didiff apply -- on',
      'didiff create --level 9 nginx:1.25 team/app:2.0 oth',
    ];

    test('answers all lines', () => {
      const answers = pressTab(shell, SCRIPTS[shell], LINES, files, PATH);
      for (const [index, line] of LINES.entries()) offers.set(line, [...answers[index]!].sort());
      expect(offers.size).toBe(LINES.length);
    });

    test.each<[string, string[]]>([
      ['didiff cr', ['create']],
      ['didiff ', ['apply', 'check', 'completion', 'create', 'help']],
      ['didiff --json app', ['apply']],
      ['didiff --progress ', ['auto', 'json', 'none', 'plain']],
      ['didiff --progress plain ch', ['check']],
      ['didiff apply --d', ['--dry-run']],
      ['didiff apply --progress=p', ['--progress=plain']],
      ['didiff apply --qu', ['--quiet']],
      ['didiff apply on', ['one.patch']],
      ['didiff --temp-dir ', ['layout/']],
      ['didiff check one.patch oth', ['other.patch']],
      ['didiff apply --base ngi', ['nginx:1.25']],
      ['didiff apply --base team/', ['team/app:2.0']],
      ['didiff create nginx:1', ['nginx:1.25']],
      ['didiff create nginx:1.25 oci:lay', ['oci:layout/']],
      ['didiff create a b on', ['one.patch']],
      ['didiff create a docker-a', ['docker-archive:']],
      ['didiff completion ', ['bash', 'fish', 'zsh']],
      ['didiff help com', ['completion']],
      ['didiff --platform linux/arm6', ['linux/arm64']],
      ['didiff apply -- on', ['one.patch']],
      ['didiff create --level 9 nginx:1.25 team/app:2.0 oth', ['other.patch']],
    ])('%s', (line, expected) => {
      // zsh quotes colons. Bash puts the slash behind a directory only when it is the one candidate of a TAB.
      const plain = offers.get(line)!.map((word) => word.replaceAll('\\', ''));
      const same = shell === 'bash' ? plain.map((word) => (word === 'layout' ? 'layout/' : word)) : plain;
      expect(same).toEqual(expected);
    });

    test('names with blanks stay one word', () => {
      const blank = shell === 'fish' ? 'with blank.patch' : 'with\\ blank.patch';
      expect(offers.get('didiff apply with')).toEqual([blank]);
      expect(offers.get('didiff create nginx:1.25 docker-archive:wi')).toEqual([`docker-archive:${blank}`]);
    });
  });
}

test.skipIf(!hasShell('bash'))('works in bash without docker, and offers paths and transports', () => {
  const bare = join(directory, 'bare');
  mkdirSync(bare);
  const script = `PATH=${bare}\n${SCRIPTS.bash.replaceAll('grep', '/bin/grep')}`;
  const [found] = pressTab('bash', script, ['didiff apply --base o'], join(directory, 'files'));
  expect([...found!].sort()).toEqual(['oci-archive:', 'oci:', 'one.patch', 'other.patch']);
});
