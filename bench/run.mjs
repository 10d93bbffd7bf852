/**
 * `npm run bench [-- CASE...]`: every tool on every case, whole processes, each result compared with the newer image.
 * Prints a table per case, brings docs/benchmarks.md and bench/sizes.json up to date, and fails when a ceiling of
 * memory is broken or a patch yields something else than the image.
 */
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { listCases, openCase, WORK } from './cases.mjs';
import { measure } from './measure.mjs';
import { skipReason, TOOLS } from './peers.mjs';
import { findBreaches, tableOf, updateSizes, writeDocument } from './report.mjs';

/** What earlier runs measured: a run of some cases leaves the others in the document. */
const RESULTS = join(WORK, 'results.json');

const known = listCases();
const wanted = process.argv.length > 2 ? process.argv.slice(2) : known;
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  console.error(
    `no case ${unknown.join(', ')}; there are ${known.join(', ')}. Pairs come from DIDIFF_IMAGES, an OCI layout.`,
  );
  process.exit(2);
}
mkdirSync(WORK, { recursive: true });
const measured = [];
for (const name of wanted) {
  const result = await runCase(await openCase(name));
  measured.push(result);
  console.log(`\n${name}: ${tableOf(result)}\n`);
  // Case by case, so that a run that is stopped keeps what it has.
  keep(result);
  updateSizes([result]);
  writeDocument(Object.values(readResults()).filter(({ name }) => known.includes(name)));
}
const breaches = findBreaches(measured);
for (const each of breaches) console.error(`over the ceiling: ${each}`);
process.exitCode = breaches.length > 0 ? 1 : 0;

async function runCase(pair) {
  const expected = await digestOf(pair.newArchive);
  const rows = [];
  for (const tool of TOOLS) {
    const skipped = skipReason(tool, pair);
    console.log(`${pair.name}: ${tool.name}${skipped === undefined ? ' …' : `: skipped, ${skipped}`}`);
    rows.push(skipped === undefined ? await runTool(tool, pair, expected) : { tool: tool.name, skipped });
  }
  return { name: pair.name, oldBytes: pair.oldBytes, newBytes: pair.newBytes, rows };
}

async function runTool(tool, pair, expected) {
  const patch = join(WORK, `${pair.name}.patch`);
  const output = join(WORK, `${pair.name}.output`);
  for (const path of [patch, output]) rmSync(path, { force: true });
  try {
    const create = await measure(tool.create(pair, patch));
    const apply = await measure(tool.apply(pair, patch, output));
    const found = await digestOf(output);
    if (found !== expected)
      throw new Error(`${tool.name} on ${pair.name} yields ${found}; expected ${expected}`);
    return { tool: tool.name, patchBytes: statSync(patch).size, create, apply };
  } finally {
    for (const path of [patch, output]) rmSync(path, { force: true });
  }
}

async function digestOf(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

function keep(result) {
  const results = { ...readResults(), [result.name]: result };
  const sorted = known.filter((name) => name in results).map((name) => [name, results[name]]);
  writeFileSync(RESULTS, JSON.stringify(Object.fromEntries(sorted)));
}

function readResults() {
  return existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : {};
}
