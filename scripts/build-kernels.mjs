/**
 * Compiles kernels/ to WebAssembly and writes each as a module of base64 text to src/kernels/, where bundling and
 * plain loading need no path. The same source and compiler give the same bytes; `--check` fails if they differ.
 * The compiler is found as a development dependency, or in the folder that ASSEMBLYSCRIPT names.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const home = process.env['ASSEMBLYSCRIPT'];
const compiler = await import(
  home === undefined ? 'assemblyscript/asc' : pathToFileURL(join(home, 'dist', 'asc.js')).href
);
const isCheck = process.argv.includes('--check');

for (const source of listKernels()) {
  const bytes = await compile(source);
  const target = join('src/kernels', basename(source).replace(/\.ts$/, '-wasm.ts'));
  const text = moduleText(source, bytes);
  if (isCheck) {
    if (readFileSync(target, 'utf8') !== text)
      throw new Error(`${target} is not what its source compiles to`);
  } else writeFileSync(target, text);
  console.error(`${target}: ${bytes.length} bytes`);
}

/** Each file of an area is a kernel; what several share is in kernels/shared/. */
function listKernels() {
  const areas = readdirSync('kernels').filter((area) => area !== 'shared');
  return areas.flatMap((area) =>
    readdirSync(join('kernels', area))
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `kernels/${area}/${name}`),
  );
}

/** A kernel that needs other options than the rest says so in a line `// Compiled with …`. */
function optionsOf(source) {
  const [, options = ''] = /^\/\/ Compiled with (.*)\.$/m.exec(readFileSync(source, 'utf8')) ?? [];
  return options === '' ? ['--initialMemory', '32'] : options.split(' ');
}

async function compile(source) {
  let bytes;
  const { error, stderr } = await compiler.main(
    [source, '--runtime', 'stub', '-O3', '--noAssert', '--outFile', 'out.wasm', ...optionsOf(source)],
    {
      writeFile: (file, contents) => {
        if (file.endsWith('.wasm')) bytes = contents;
      },
    },
  );
  if (error) throw new Error(`${source}: ${error.message}\n${stderr.toString()}`);
  return bytes;
}

function moduleText(source, bytes) {
  const text = Buffer.from(bytes).toString('base64');
  const lines = text.match(/.{1,100}/g).map((line) => `  '${line}'`);
  return [
    `/** Made from ${source} by scripts/build-kernels.mjs; not to be edited. */`,
    'export const WASM =',
    `${lines.join(' +\n')};`,
    '',
  ].join('\n');
}
