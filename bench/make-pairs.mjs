/** `node bench/make-pairs.mjs DIRECTORY [NAME...]`: makes pairs of published software for other use than the bench. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { makeSide, PAIRS } from './pairs.mjs';

const [directory, ...names] = process.argv.slice(2);
const unknown = names.filter((name) => !(name in PAIRS));
if (directory === undefined || unknown.length > 0) {
  console.error(`usage: node bench/make-pairs.mjs DIRECTORY [${Object.keys(PAIRS).join(' | ')}]...`);
  process.exit(2);
}
mkdirSync(directory, { recursive: true });
for (const name of names.length > 0 ? names : Object.keys(PAIRS)) {
  try {
    for (const side of ['old', 'new']) {
      const path = join(directory, `${name}-${side}`);
      makeSide(name, side, { archive: `${path}.tar`, file: `${path}.bin` }, join(directory, 'downloads'));
      console.log(`${path}.tar`);
    }
  } catch (error) {
    console.error(`${name}: ${error.message}`);
    process.exitCode = 1;
  }
}
