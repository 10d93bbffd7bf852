/** Looks at what didiff left behind with nothing of didiff's: node's SHA-256 and gunzip, and a few lines that read tar. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { digestOf } from './layer.mjs';

/**
 * Compares the image `name` of an OCI layout with the one expected: gives `[what, found, expected]` for the manifest, the
 * config, each blob and each layer inside it. Digests are taken of the bytes, never of a file's name.
 */
export function digestsOfLayout(directory, name, expected) {
  const index = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8'));
  const entry = index.manifests.find(
    ({ annotations }) => annotations?.['org.opencontainers.image.ref.name'] === name,
  );
  if (entry === undefined) return [[`image ${name}`, 'not there', expected.manifest.digest]];
  const blob = (digest) => readFileSync(join(directory, 'blobs/sha256', digest.slice(7)));
  const manifestBytes = blob(entry.digest);
  const manifest = JSON.parse(manifestBytes);
  return [
    ['manifest', digestOf(manifestBytes), expected.manifest.digest],
    ['config (image ID)', digestOf(blob(manifest.config.digest)), expected.config.digest],
    ...expected.layers.flatMap((layer, position) => {
      const bytes = blob(manifest.layers[position].digest);
      return [
        [`layer ${position}, compressed`, digestOf(bytes), layer.digest],
        [`layer ${position}, its tar`, digestOf(gunzipSync(bytes)), layer.diffId],
      ];
    }),
  ];
}

/** The same for an archive as `docker save` writes it, whose layers are stored plain. */
export function digestsOfArchive(path, expected) {
  const files = readTar(readFileSync(path));
  const [image] = JSON.parse(files.get('manifest.json') ?? '[{"Layers":[]}]');
  const digest = (name) => (files.has(name) ? digestOf(files.get(name)) : 'not there');
  return [
    ['config (image ID)', digest(image.Config), expected.config.digest],
    ...expected.layers.map(({ diffId }, position) => [
      `layer ${position}, its tar`,
      digest(image.Layers[position]),
      diffId,
    ]),
  ];
}

/** The regular files of a tar with short names, by name. */
function readTar(tar) {
  const files = new Map();
  const field = (start, end) => tar.toString('latin1', start, end).replace(/\0.*$/s, '');
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0; ) {
    const size = Number.parseInt(field(at + 124, at + 136), 8);
    files.set(field(at, at + 100), tar.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

/** One digest over the names and contents of all files below a directory. */
export function digestOfTree(directory) {
  const files = readdirSync(directory, { recursive: true })
    .sort()
    .filter((name) => statSync(join(directory, name)).isFile());
  return digestOf(JSON.stringify(files.map((name) => [name, digestOf(readFileSync(join(directory, name)))])));
}
