/**
 * `npm run estimates [-- NAME...]`: what `didiff estimate` says beside what `didiff create` makes, and what both take,
 * for all pairs NAME-old.tar and NAME-new.tar in the folders that DIDIFF_PAIRS names (separated by colons), or those
 * named. Prints a table, and puts it into docs/estimates.md.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { measure } from './measure.mjs';

const CLI = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const DOCUMENT = fileURLToPath(new URL('../docs/estimates.md', import.meta.url));
const BEGIN = '<!-- estimates: begin -->';
const END = '<!-- estimates: end -->';

const pairs = findPairs();
const wanted = process.argv.length > 2 ? process.argv.slice(2) : [...pairs.keys()].sort();
const unknown = wanted.filter((name) => !pairs.has(name));
if (wanted.length === 0 || unknown.length > 0) {
  console.error(
    `no pair ${unknown.join(', ')}: DIDIFF_PAIRS names the folders with NAME-old.tar, NAME-new.tar`,
  );
  process.exit(2);
}
const work = mkdtempSync(join(tmpdir(), 'didiff-estimates-'));
const rows = [];
try {
  for (const name of wanted) rows.push(await runPair(name, pairs.get(name)));
} finally {
  rmSync(work, { recursive: true });
}
const table = tableOf(rows);
console.log(table);
const [before, rest] = readFileSync(DOCUMENT, 'utf8').split(BEGIN);
writeFileSync(DOCUMENT, `${before}${BEGIN}\n\n${table}\n\n${END}${rest.split(END)[1]}`);

function findPairs() {
  const found = new Map();
  for (const folder of (process.env.DIDIFF_PAIRS ?? '').split(':').filter(Boolean))
    for (const file of readdirSync(folder))
      if (file.endsWith('-old.tar')) found.set(file.slice(0, -'-old.tar'.length), join(folder, file));
  return found;
}

async function runPair(name, base) {
  const target = base.replace(/-old\.tar$/, '-new.tar');
  const patch = join(work, 'patch');
  const output = join(work, 'estimate.json');
  const create = await measure([process.execPath, CLI, '-q', 'create', '--no-blobs', base, target, patch]);
  const command = `exec "$0" "$1" --json estimate "$2" "$3" > "$4"`;
  const estimate = await measure(['/bin/sh', '-c', command, process.execPath, CLI, base, target, output]);
  const { estimatedBytes } = JSON.parse(readFileSync(output, 'utf8'));
  const row = { name, patchBytes: statSync(patch).size, estimatedBytes, create, estimate };
  rmSync(patch);
  console.error(tableOf([row]).split('\n').at(-1));
  return row;
}

function tableOf(measured) {
  const head = [
    'pair',
    'patch',
    'estimate',
    'error',
    'create',
    'estimate',
    'part',
    'create',
    'estimate',
    'part',
  ];
  const units = ['', 'bytes', 'bytes', '', 's', 's', '', 'CPU s', 'CPU s', ''];
  const labels = head.map((word, at) => (units[at] === '' ? word : `${word}, ${units[at]}`));
  const lines = measured.map(({ name, patchBytes, estimatedBytes, create, estimate }) => [
    name,
    patchBytes.toLocaleString('en'),
    estimatedBytes.toLocaleString('en'),
    signed(estimatedBytes / patchBytes - 1),
    create.wallSeconds.toFixed(1),
    estimate.wallSeconds.toFixed(1),
    percent(estimate.wallSeconds / create.wallSeconds),
    create.cpuSeconds.toFixed(1),
    estimate.cpuSeconds.toFixed(1),
    percent(estimate.cpuSeconds / create.cpuSeconds),
  ]);
  const rule = head.map((_, at) => (at === 0 ? '---' : '---:'));
  return [labels, rule, ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

function percent(part) {
  return `${Math.round(part * 100)} %`;
}

function signed(part) {
  const text = (part * 100).toFixed(1);
  return `${part < 0 ? text.replace('-', '−') : `+${text}`} %`;
}
