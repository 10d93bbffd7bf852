/** Makes image layers out of real files: a tar in the order of names, compressed by Go's gzip as `docker push` does. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { crc32 } from 'node:zlib';
import { createLegacyModel } from '../../dist/deflate/go-legacy/model.js';
import { END_OF_ARCHIVE, encodeTarHeader, tarPadding } from '../../dist/tar/encode.js';
import { nameOfText } from '../../dist/tar/name.js';

/** The files below `directory`, each with its path in the image below `prefix`. Symbolic links are left out. */
export function filesBelow(directory, prefix) {
  return readdirSync(directory, { recursive: true })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => ({
      path: prefix + path.slice(directory.length).split(sep).join('/'),
      content: readFileSync(path),
    }));
}

/**
 * The layer with these files and the directories they are in, all last changed at `mtime` (seconds since 1970).
 * The same files give the same bytes on every machine.
 */
export function buildLayer(files, mtime) {
  const tar = Buffer.concat([...tarParts(files, mtime)]);
  const blob = gzipAsGo(tar);
  return { tar, diffId: digestOf(tar), blob, digest: digestOf(blob) };
}

export function digestOf(bytes) {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function* tarParts(files, mtime) {
  const made = new Set(['.']);
  for (const { path, content } of [...files].sort((a, b) => (a.path < b.path ? -1 : 1))) {
    for (const directory of parentsOf(path)) {
      if (made.has(directory)) continue;
      made.add(directory);
      yield encodeTarHeader({ path: nameOfText(`${directory}/`), type: 'directory', mtime });
    }
    yield encodeTarHeader({ path: nameOfText(path), sizeBytes: content.length, mtime });
    yield content;
    yield new Uint8Array(tarPadding(content.length));
  }
  yield END_OF_ARCHIVE;
}

function parentsOf(path) {
  const parents = [];
  for (let parent = dirname(path); parent !== '.'; parent = dirname(parent)) parents.unshift(parent);
  return parents;
}

/** One gzip member (RFC 1952), with the header that Go writes: no time, no name, unknown system. */
function gzipAsGo(bytes) {
  const pieces = [Buffer.from('1f8b08000000000000ff', 'hex')];
  const model = createLegacyModel(6, (piece) => pieces.push(piece.slice()));
  model.write(bytes);
  model.finish();
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(bytes), 0);
  trailer.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([...pieces, trailer]);
}
