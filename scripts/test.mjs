/**
 * `npm test`: the check, the build and all suites. What was skipped is listed with its reason, and the last line is
 * `N passed, N failed, N skipped`, counting tests; a step or a file that fails outside of any test counts as one failed.
 * Arguments go to vitest: `npm test -- src/tar`.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const STEPS = [
  ['format and lint', 'node_modules/@biomejs/biome/bin/biome', 'check', '.'],
  ['types', 'node_modules/typescript/bin/tsc', '--noEmit'],
  ['types of the page', 'node_modules/typescript/bin/tsc', '-p', 'page'],
  ['page', 'scripts/build-page.mjs', '--check'],
  ['imports', 'scripts/check-imports.mjs'],
  ['kernels', 'scripts/build-kernels.mjs', '--check'],
  ['build', 'scripts/build.mjs'],
];

const failures = [];
for (const [name, ...command] of STEPS) {
  console.error(`\n${name}: node ${command.join(' ')}`);
  const { status, signal } = run(command);
  if (status !== 0) failures.push(`${name} ended with ${status ?? signal}`);
}

const counts = runSuites(process.argv.slice(2));
for (const failure of failures) console.log(`failed: ${failure}`);
const failed = counts.failed + failures.length;
console.log(`${counts.passed} passed, ${failed} failed, ${counts.skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;

function run(command) {
  return spawnSync(process.execPath, command, { stdio: 'inherit' });
}

function runSuites(args) {
  const directory = mkdtempSync(join(tmpdir(), 'didiff-test-'));
  const outputFile = join(directory, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${outputFile}`];
    const { status, signal } = run(['node_modules/vitest/vitest.mjs', 'run', ...reporters, ...args]);
    return count(readReport(outputFile), status ?? signal);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Undefined when vitest ended before it wrote one. */
function readReport(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function count(report, ended) {
  if (report === undefined) failures.push(`vitest ended with ${ended} and no report`);
  const files = report?.testResults ?? [];
  const tests = files.flatMap(({ assertionResults }) => assertionResults);
  const withStatus = (...wanted) => tests.filter(({ status }) => wanted.includes(status));
  for (const file of files) {
    // A hook or the file itself failed, which is no test's result.
    if (file.status !== 'failed' || file.assertionResults.some(({ status }) => status === 'failed')) continue;
    failures.push(`${file.name} outside of its tests: ${String(file.message).split('\n')[0]}`);
  }
  const failed = withStatus('failed').length;
  if (report !== undefined && ended !== 0 && failed + failures.length === 0)
    failures.push(`vitest ended with ${ended} though no test failed: see above`);
  if (report !== undefined && tests.length === 0) failures.push('vitest ran no test');
  const skipped = withStatus('skipped', 'pending', 'todo', 'disabled');
  listSkipped(tests, skipped);
  return { passed: withStatus('passed').length, failed, skipped: skipped.length };
}

/** By suite where all of it is skipped, else one by one. The reason is in the name of the one or the other. */
function listSkipped(tests, skipped) {
  const suiteOf = ({ ancestorTitles, title }) => ancestorTitles[0] ?? title;
  const suites = new Map();
  for (const test of skipped) suites.set(suiteOf(test), [...(suites.get(suiteOf(test)) ?? []), test]);
  for (const [suite, members] of suites) {
    const isWhole = tests.filter((test) => suiteOf(test) === suite).length === members.length;
    if (isWhole) console.log(`skipped ${members.length}: ${suite}`);
    else for (const { fullName } of members) console.log(`skipped 1: ${fullName}`);
  }
}
