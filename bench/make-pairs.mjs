/** `node bench/make-pairs.mjs DIRECTORY [NAME...]`: makes pairs of published software for other use than the bench. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makePair, PAIRS } from './pairs.mjs';

const [directory, ...names] = process.argv.slice(2);
const unknown = names.filter((name) => !(name in PAIRS));
if (directory === undefined || unknown.length > 0) {
  console.error(`usage: node bench/make-pairs.mjs DIRECTORY [${Object.keys(PAIRS).join(' | ')}]...`);
  process.exit(2);
}
mkdirSync(directory, { recursive: true });
for (const name of names.length > 0 ? names : Object.keys(PAIRS)) {
  try {
    const { old: older, new: newer } = makePair(name, directory, join(directory, 'downloads'));
    console.log(`${name}: ${older.archive} ${newer.archive}`);
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
}
