/**
 * `npm run bench [-- [--keep-peers] CASE...]`: every tool on every case, whole processes, each result compared with what
 * it must be. With --keep-peers only didiff runs, and the others' rows stay as they were measured before.
 * Prints a table per case, brings docs/benchmarks.md, bench/sizes.json and bench/peers.json up to date, and fails when a
 * ceiling of memory is broken or a patch yields something else.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { digestOf, isLocal, listCases, openCase, WORK } from './cases.mjs';
import { findKept, keepPeers } from './kept.mjs';
import { SERIES } from './local.mjs';
import { machine, measure } from './measure.mjs';
import { expectedOf, skipReason, TOOLS } from './peers.mjs';
import { findBreaches, tableOf, updateSizes, writeDocument } from './report.mjs';

/** What earlier runs measured: a run of some cases leaves the others in the document. */
const RESULTS = join(WORK, 'results.json');

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'keep-peers': { type: 'boolean', default: false } },
});
const known = listCases();
const wanted = positionals.length > 0 ? positionals : known;
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(
    `no case ${unknown.join(', ')}; there are ${known.join(', ')}. Images come from DIDIFF_IMAGES, an OCI layout.`,
  );
  process.exit(2);
}
mkdirSync(WORK, { recursive: true });
const measured = [];
for (const name of wanted) {
  const pair = await openOrSkip(name);
  if (pair === undefined) continue;
  const result = await runCase(pair);
  measured.push(result);
  console.log(`\n${name}: ${tableOf(result)}\n`);
  // Case by case, so that a run that is stopped keeps what it has.
  keep(result);
  updateSizes([result]);
  if (!isLocal(name)) keepPeers(result);
  writeDocument(Object.values(readResults()).filter(({ name }) => known.includes(name)));
}
const breaches = findBreaches(measured);
for (const each of breaches) console.error(`over the ceiling: ${each}`);
process.exitCode = breaches.length > 0 ? 1 : 0;

async function openOrSkip(name) {
  try {
    return await openCase(name);
  } catch (error) {
    // Published versions are withdrawn, and networks fail; that says nothing of didiff.
    console.log(`${name}: skipped, ${error.message}`);
    return undefined;
  }
}

async function runCase(pair) {
  const rows = [];
  const isAsked = ({ program, isFor }) =>
    (isFor?.(pair) ?? true) && (program === undefined || !SERIES.includes(pair.name));
  for (const tool of TOOLS.filter(isAsked)) {
    const row = await rowOf(tool, pair);
    rows.push({ tool: tool.name, ...row });
  }
  const { name, inputs, old: older, new: newer } = pair;
  return { name, inputs, old: sizesOf(older), new: sizesOf(newer), rows };
}

function sizesOf({ archiveBytes, fileBytes }) {
  return { archiveBytes, fileBytes };
}

async function rowOf(tool, pair) {
  const reason = skipReason(tool, pair);
  const kept =
    options['keep-peers'] && tool.program !== undefined && reason === undefined
      ? (findKept(readResults()[pair.name], pair, tool.name) ?? { skipped: 'not measured yet' })
      : undefined;
  const note = reason ?? kept?.skipped;
  console.log(`${pair.name}: ${tool.name}${note === undefined ? ' …' : `: skipped, ${note}`}`);
  if (reason !== undefined) return { skipped: reason };
  return kept ?? (await runTool(tool, pair));
}

async function runTool(tool, pair) {
  const patch = join(WORK, `${pair.name}.patch`);
  const output = join(WORK, `${pair.name}.output`);
  for (const path of [patch, output]) rmSync(path, { force: true });
  try {
    const create = await measure(tool.create(pair, patch));
    const apply = await measure(tool.apply(pair, patch, output));
    const [found, expected] = [await digestOf(output), await digestOf(expectedOf(tool, pair))];
    if (found !== expected)
      throw new Error(`${tool.name} on ${pair.name} yields ${found}; expected ${expected}`);
    return { patchBytes: statSync(patch).size, create, apply, machine: machine() };
  } finally {
    for (const path of [patch, output]) rmSync(path, { force: true });
  }
}

function keep(result) {
  const results = { ...readResults(), [result.name]: result };
  const sorted = known.filter((name) => name in results).map((name) => [name, results[name]]);
  writeFileSync(RESULTS, JSON.stringify(Object.fromEntries(sorted)));
}

function readResults() {
  return existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : {};
}
