/**
 * Compiles src/ to dist/, from an empty dist/: `node scripts/build.mjs [DIRECTORY]`. Then what is run is bundled, as
 * finding and linking some 300 small files takes a command longer, and more memory, than their code does: the code goes
 * to dist/bundle/, in few files by what is loaded together, and the modules that are run only name those. The other
 * modules stay for scripts that want one of them; the package leaves them out.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { rolldown } from 'rolldown';

const target = resolve(process.argv[2] ?? 'dist');
const BUNDLE = 'bundle';

rmSync(target, { recursive: true, force: true });
execFileSync(
  process.execPath,
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', target],
  { stdio: 'inherit' },
);
const entries = listEntries();
await bundle();
for (const path of entries) writeEntry(path);
chmodSync(join(target, 'cli/main.js'), 0o755);

/** The library, the program, and what threads are started from. */
function listEntries() {
  return readdirSync(target, { recursive: true })
    .map((path) => path.split(sep).join('/'))
    .filter((path) => /^(index|cli\/main|.*\/thread)\.js$/.test(path))
    .sort();
}

async function bundle() {
  const build = await rolldown({
    input: Object.fromEntries(entries.map((path) => [bundledName(path), join(target, path)])),
    platform: 'node',
    external: (name) => !/^[./]/.test(name),
    plugins: [{ name: 'keep-places', transform: keepPlace }],
  });
  await build.write({
    dir: join(target, BUNDLE),
    entryFileNames: '[name].js',
    chunkFileNames: '[name]-[hash].js',
    // Text with a single letter beyond Latin-1 takes two bytes for each letter as long as the program runs.
    comments: false,
    minify: { compress: false, mangle: false, codegen: { removeWhitespace: false, asciiOnly: true } },
  });
  await build.close();
}

function bundledName(path) {
  return path.slice(0, -'.js'.length).replaceAll('/', '-');
}

/** What a module finds beside itself it finds from its bundle too. */
function keepPlace(code, id) {
  if (!code.includes('import.meta.url')) return null;
  const place = `../${relative(target, id).split(sep).join('/')}`;
  return code.replaceAll('import.meta.url', `new URL('${place}', import.meta.url).href`);
}

function writeEntry(path) {
  const bundled = `${relative(dirname(path), BUNDLE) || '.'}/${bundledName(path)}.js`;
  const from = bundled.startsWith('.') ? bundled : `./${bundled}`;
  const start = path === 'cli/main.js' ? '#!/usr/bin/env node\n' : '';
  const text = path === 'index.js' ? `export * from '${from}';\n` : `import '${from}';\n`;
  writeFileSync(join(target, path), `${start}${text}`);
}
