/**
 * The case `large`: two images of 1.5 GB in three layers, made of real files of this machine, a few percent of them
 * changed from the older to the newer: edited, added, removed, moved. The same each time on one machine, as long as its
 * files are the same; where there are too few, they come again, edited.
 */
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { END_OF_ARCHIVE, encodeTarHeader, tarPadding } from '../dist/tar/encode.js';
import { nameOfText } from '../dist/tar/name.js';

/** Where a layer's files come from, and how much of them. */
const LAYERS = [
  { roots: ['/usr/bin', '/usr/lib'], sizeBytes: 1000e6 },
  { roots: ['/usr/share', '/usr/include'], sizeBytes: 300e6 },
  { roots: ['node_modules'], sizeBytes: 200e6 },
];
const MAX_FILE_BYTES = 256e6;
const MTIME = { old: 1_750_000_000, new: 1_751_000_000 };
/** Of a thousand files, how many are changed in which way. */
const EDITED = 25;
const ADDED = 8;
const REMOVED = 4;
const MOVED = 10;
const EDITS_PER_FILE = 6;

export function writeLargePair(oldPath, newPath) {
  const layers = LAYERS.map(chooseFiles);
  writeArchive(oldPath, layers, 'old');
  writeArchive(newPath, layers, 'new');
}

/** Real files up to the size wanted, in an order that mixes them, then by name. */
function chooseFiles({ roots, sizeBytes }) {
  const files = roots.flatMap(listFiles).sort((a, b) => a.place - b.place || (a.path < b.path ? -1 : 1));
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
    return size > 0 && size <= MAX_FILE_BYTES ? [{ path, size, place: mix(path) }] : [];
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

/** An archive as `docker save` wrote it, config and manifest at its end: only then are the layers' digests known. */
function writeArchive(path, layers, side) {
  const fd = openSync(path, 'w');
  let at = 0;
  const put = (bytes) => {
    for (let done = 0; done < bytes.length; )
      done += writeSync(fd, bytes, done, bytes.length - done, at + done);
    at += bytes.length;
  };
  const putFile = (name, bytes) => {
    put(encodeTarHeader({ path: name, sizeBytes: bytes.length }));
    put(bytes);
    put(new Uint8Array(tarPadding(bytes.length)));
  };
  const diffIds = layers.map((layer, position) => {
    const start = at;
    // Its header is written again once the size is known.
    put(new Uint8Array(END_OF_ARCHIVE.length / 2));
    const { sizeBytes, digest } = putLayerTar(filesOf(layer, side), put);
    put(new Uint8Array(tarPadding(sizeBytes)));
    writeSync(fd, encodeTarHeader({ path: layerPath(position), sizeBytes }), 0, 512, start);
    return `sha256:${digest}`;
  });
  const config = Buffer.from(
    JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: diffIds } }),
  );
  const configPath = `${createHash('sha256').update(config).digest('hex')}.json`;
  putFile(configPath, config);
  const manifest = {
    Config: configPath,
    RepoTags: ['bench/image:1'],
    Layers: layers.map((_, position) => layerPath(position)),
  };
  putFile('manifest.json', Buffer.from(JSON.stringify([manifest])));
  put(END_OF_ARCHIVE);
  closeSync(fd);
}

function layerPath(position) {
  return `layer-${position}/layer.tar`;
}

function putLayerTar(files, put) {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const putHashed = (bytes) => {
    hash.update(bytes);
    sizeBytes += bytes.length;
    put(bytes);
  };
  for (const { name, content, mtime } of files) {
    const path = nameOfText(name.replace(/^\//, ''));
    putHashed(encodeTarHeader({ path, sizeBytes: content.length, mtime }));
    putHashed(content);
    putHashed(new Uint8Array(tarPadding(content.length)));
  }
  putHashed(END_OF_ARCHIVE);
  return { sizeBytes, digest: hash.digest('hex') };
}
