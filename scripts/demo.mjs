/**
 * `npm run demo`: builds didiff, makes two real images, ships the update between them as a patch, and verifies every
 * digest; through a container engine too where one answers. Exit code 1 when anything is not as expected. With --keep,
 * what it made stays in .demo.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';

if (!existsSync('node_modules/prettier-old')) {
  console.error('node_modules is not complete: run `npm ci` first, with its development packages.');
  process.exit(1);
}
execFileSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });

// Only now is there something to import.
const { buildImages } = await import('./demo/images.mjs');
const { runEmbedded } = await import('./demo/embedded.mjs');
const { findEngine, runEngine } = await import('./demo/engine.mjs');
const { countMismatches, formatBytes, say, title } = await import('./demo/show.mjs');

const directory = '.demo';
const isKept = process.argv.includes('--keep');
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort(new Error('interrupted')));
process.once('SIGTERM', () => interrupt.abort(new Error('terminated')));

rmSync(directory, { recursive: true, force: true });
await mkdir(directory);
try {
  await run();
  const count = countMismatches();
  title(count === 0 ? 'Everything is as expected.' : `${count} results are not as expected.`);
  process.exitCode = count === 0 ? 0 : 1;
} catch (error) {
  console.error(`\ndemo failed: ${error.message}${error.hint === undefined ? '' : `\n${error.hint}`}`);
  process.exitCode = 1;
} finally {
  if (!isKept) rmSync(directory, { recursive: true, force: true });
}

async function run() {
  title('Two real images: the libraries of an application, and two releases of prettier, 3.6.1 and 3.6.2');
  const images = buildImages();
  for (const [name, image] of [
    ['app-1.0', images.old],
    ['app-1.1', images.new],
  ]) {
    const sizes = image.layers.map(
      ({ tar, blob }) => `${formatBytes(tar.length)} (${formatBytes(blob.length)} gzip)`,
    );
    say(`${name}  ${image.manifest.digest.slice(0, 19)}  layers: ${sizes.join(', ')}`);
  }
  interrupt.signal.throwIfAborted();
  await runEmbedded(directory, images);
  interrupt.signal.throwIfAborted();
  const engine = await findEngine();
  if (engine === undefined) return;
  try {
    await runEngine(engine, directory, images, interrupt.signal);
  } finally {
    engine.close();
  }
}
