/**
 * Puts the script and the style of the reports' page, which stand in page/, into src/report/assets.ts as two texts, so
 * that the package needs no files beside its modules. `--check` only compares. The same sources give the same bytes.
 */
import { readFileSync, writeFileSync } from 'node:fs';

/** Each after those it imports. */
const MODULES = ['format', 'folders', 'squarify', 'treemap', 'table', 'main'];
const OUTPUT = 'src/report/assets.ts';

const built = `/** Made by scripts/build-page.mjs from page/: the script and the style of a report's page. */
export const PAGE_SCRIPT = ${quote(`(() => {\n'use strict';\n${MODULES.map(readModule).join('\n')}})();\n`)};

export const PAGE_STYLE = ${quote(readFileSync('page/page.css', 'utf8'))};
`;

if (!process.argv.includes('--check')) writeFileSync(OUTPUT, built);
else if (readFileSync(OUTPUT, 'utf8') !== built) {
  console.error(`${OUTPUT} is not what page/ makes: run node scripts/build-page.mjs`);
  process.exitCode = 1;
}

/** A module's code without its comments, and without the words that tie it to the others. */
function readModule(name) {
  return readFileSync(`page/${name}.js`, 'utf8')
    .replace(/^import [^;]*;\n/gm, '')
    .replace(/^export /gm, '')
    .replace(/\/\*\*[\s\S]*?\*\/ ?/g, '')
    .replace(/\n\s*\n+/g, '\n')
    .trimStart();
}

function quote(text) {
  return `\`${text.replace(/[\\`]|\$\{/g, '\\$&')}\``;
}
