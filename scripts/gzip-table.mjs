/**
 * Prints the table of docs/gzip.md: what it costs to bring back each of a folder's `.gz` files, which are blobs of
 * known encoders, and how many engines were tried in vain, on how much of the tar together.
 * Usage, after a build: node scripts/gzip-table.mjs FOLDER
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { findRecipe } from '../dist/deflate/find.js';

const folder = process.argv[2];
if (folder === undefined) throw new Error('usage: node scripts/gzip-table.mjs FOLDER');

console.log(
  '| sample | blob | recipe | of which corrections | tried in vain | model |\n|---|--:|--:|--:|--:|---|',
);
for (const name of readdirSync(folder).filter((entry) => entry.endsWith('.gz'))) {
  const blob = readFileSync(join(folder, name));
  const plain = gunzipSync(blob);
  let trials = 0;
  let trialBytes = 0;
  const onTrial = (_, plainBytes) => {
    trials++;
    trialBytes += plainBytes;
  };
  const found = await findRecipe(access(blob), access(plain), { onTrial });
  const inVain = trials === 0 ? '–' : `${trials}: ${Math.round((100 * trialBytes) / plain.length)} %`;
  const cells =
    found === undefined
      ? ['–', '–', inVain, 'none: the blob is carried']
      : [`${found.recipe.length} B`, `${found.correctionsBytes} B`, inVain, found.model];
  console.log(`| ${name.replace(/\.gz$/, '')} | ${blob.length} B | ${cells.join(' | ')} |`);
}

function access(bytes) {
  return {
    sizeBytes: bytes.length,
    readAt: (position, into) => into.set(bytes.subarray(position, position + into.length)),
  };
}
