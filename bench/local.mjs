/**
 * Pairs made of real files of this machine, a few percent of them changed from the older to the newer: edited, added,
 * removed, moved. The same each time on one machine, as long as its files are the same; where there are too few, they
 * come again, edited. `large` is a large image; the others are alike but for their size, and show how cost grows.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { END_OF_ARCHIVE, encodeTarHeader, tarPadding } from '../dist/tar/encode.js';
import { nameOfText } from '../dist/tar/name.js';
import { writeImageArchive } from './archive.mjs';

/** Where a layer's files come from, and how much of them; files of at most `maxFileBytes`. */
const growth = (sizeBytes) => ({
  // Small files only: with one of 100 MB, two images would differ in more than their size.
  maxFileBytes: 4e6,
  layers: [
    { roots: ['/usr/bin', '/usr/lib'], sizeBytes: 0.7 * sizeBytes },
    { roots: ['/usr/share', '/usr/include'], sizeBytes: 0.3 * sizeBytes },
  ],
});

export const LOCAL_PAIRS = {
  'growth-100': growth(100e6),
  'growth-300': growth(300e6),
  'growth-1000': growth(1000e6),
  large: {
    maxFileBytes: 256e6,
    layers: [
      { roots: ['/usr/bin', '/usr/lib'], sizeBytes: 1000e6 },
      { roots: ['/usr/share', '/usr/include'], sizeBytes: 300e6 },
      { roots: ['node_modules'], sizeBytes: 200e6 },
    ],
  },
};
const MTIME = { old: 1_750_000_000, new: 1_751_000_000 };
/** Of a thousand files, how many are changed in which way. */
const EDITED = 25;
const ADDED = 8;
const REMOVED = 4;
const MOVED = 10;
const EDITS_PER_FILE = 6;

/** The pairs that show how cost grows, smallest first. */
export const SERIES = ['growth-100', 'growth-300', 'growth-1000'];

/** Writes the image of one side, `old` or `new`, as an archive. */
export function writeLocalSide(name, side, path) {
  const { layers, maxFileBytes } = LOCAL_PAIRS[name];
  const chosen = layers.map((layer) => chooseFiles(layer, maxFileBytes));
  writeImageArchive(
    path,
    chosen.map((layer) => () => layerTar(filesOf(layer, side))),
  );
}

/** Real files up to the size wanted, in an order that mixes them, then by name. */
function chooseFiles({ roots, sizeBytes }, maxFileBytes) {
  const files = roots
    .flatMap(listFiles)
    .filter(({ size }) => size > 0 && size <= maxFileBytes)
    .sort((a, b) => a.place - b.place || (a.path < b.path ? -1 : 1));
  const chosen = [];
  let left = sizeBytes;
  for (let round = 0; left > 0 && files.length > 0; round += 1) {
    for (const { path, size } of files) {
      if (left <= 0) break;
      chosen.push({ path, round, name: round === 0 ? path : `again-${round}/${path}` });
      left -= size;
    }
  }
  return chosen.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The regular files below a directory. Not by readdir's own recursion: it follows links, and /usr/bin/X11 leads to /usr/bin. */
function listFiles(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) return listFiles(path);
    if (!entry.isFile()) return [];
    // A name that is no text can't be looked up by the text made of it.
    const size = lstatSync(path, { throwIfNoEntry: false })?.size ?? 0;
    return [{ path, size, place: mix(path) }];
  });
}

/** An evenly spread number that depends on the text alone. */
function mix(text) {
  return createHash('sha256').update(text).digest().readUInt32BE(0);
}

/** What becomes of a file in the newer image. */
function fateOf(name) {
  const place = mix(`fate of ${name}`) % 1000;
  if (place < EDITED) return 'edited';
  if (place < EDITED + ADDED) return 'added';
  if (place < EDITED + ADDED + REMOVED) return 'removed';
  return place < EDITED + ADDED + REMOVED + MOVED ? 'moved' : 'kept';
}

function* filesOf(layer, side) {
  for (const { path, round, name } of layer) {
    const fate = fateOf(name);
    if (fate === (side === 'old' ? 'added' : 'removed')) continue;
    const isChanged = side === 'new' && fate === 'edited';
    let content = readFileSync(path);
    if (round > 0) content = edit(content, `${name} ${round}`);
    if (isChanged) content = edit(content, name);
    yield {
      name: side === 'new' && fate === 'moved' ? `moved/${name}` : name,
      content,
      mtime: isChanged ? MTIME.new : MTIME.old,
    };
  }
}

/** Some places of the content overwritten, and something put in at others, as `seed` has it. */
function edit(content, seed) {
  const parts = [];
  let at = 0;
  const places = Array.from({ length: EDITS_PER_FILE }, (_, i) => mix(`${i} ${seed}`) % content.length);
  for (const place of places.sort((a, b) => a - b)) {
    const change = createHash('sha256').update(`${place} ${seed}`).digest();
    parts.push(content.subarray(at, Math.max(at, place)), change);
    // Every other change takes the place of what was there.
    at =
      Math.max(at, place) +
      (change[0] & 1 ? Math.min(change.length, content.length - Math.max(at, place)) : 0);
  }
  return Buffer.concat([...parts, content.subarray(at)]);
}

function* layerTar(files) {
  for (const { name, content, mtime } of files) {
    const path = nameOfText(name.replace(/^\//, ''));
    yield encodeTarHeader({ path, sizeBytes: content.length, mtime });
    yield content;
    yield new Uint8Array(tarPadding(content.length));
  }
  yield END_OF_ARCHIVE;
}
