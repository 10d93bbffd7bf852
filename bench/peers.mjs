/**
 * The tools that are compared. All get the same two files, the images in the form of `docker save`; each has a command
 * that makes a patch, and one that applies it. didiff takes the images apart, the peers see bytes.
 */
import { availableParallelism, totalmem } from 'node:os';
import { isOnPath } from './measure.mjs';

const DIDIFF = [process.execPath, 'dist/cli/main.js'];
const ARCHIVE_NAME = 'bench/image:1';

/** An archive that holds an image under the name all archives of the bench have. */
export const archive = (path) => `docker-archive:${path}`;
export const didiff = (...args) => [...DIDIFF, ...args];
export const didiffApply = (patch, base, output) =>
  didiff('apply', patch, '--base', base, '--to', archive(output), '-t', ARCHIVE_NAME);

const GIGABYTE = 1e9;

export const TOOLS = [
  {
    name: 'didiff',
    create: ({ oldArchive, newArchive }, patch) =>
      didiff('create', archive(oldArchive), archive(newArchive), patch),
    apply: ({ oldArchive }, patch, output) => didiffApply(patch, archive(oldArchive), output),
  },
  {
    name: 'didiff, exact blobs',
    // Only a layout has blobs to be exact.
    skip: ({ oldReference }) =>
      oldReference === undefined ? 'the case has no compressed layers' : undefined,
    create: ({ oldReference, newReference }, patch) => didiff('create', oldReference, newReference, patch),
    apply: ({ oldReference }, patch, output) => didiffApply(patch, oldReference, output),
  },
  {
    name: 'bsdiff',
    program: 'bsdiff',
    // Its suffix array: 8 bytes for each byte of the old file twice over, and both files.
    skip: ({ oldBytes }) => {
      const needed = 17 * oldBytes;
      return needed > totalmem() / 2 || oldBytes > GIGABYTE
        ? `holds 17 bytes for each byte of the old image: ${(needed / GIGABYTE).toFixed(0)} GB`
        : undefined;
    },
    create: ({ oldArchive, newArchive }, patch) => ['bsdiff', oldArchive, newArchive, patch],
    apply: ({ oldArchive }, patch, output) => ['bspatch', oldArchive, output, patch],
  },
  {
    name: 'xdelta3 -9',
    program: 'xdelta3',
    // With a window as large as the old file; its default of 64 MB loses what is farther away.
    create: ({ oldArchive, newArchive, oldBytes }, patch) => [
      ...['xdelta3', '-9', '-f', '-B', String(windowOf(oldBytes)), '-e', '-s', oldArchive],
      ...[newArchive, patch],
    ],
    apply: ({ oldArchive, oldBytes }, patch, output) => [
      ...['xdelta3', '-f', '-B', String(windowOf(oldBytes)), '-d', '-s', oldArchive],
      ...[patch, output],
    ],
  },
  {
    name: 'zstd -22 --patch-from',
    program: 'zstd',
    skip: ({ newBytes }) =>
      newBytes > GIGABYTE
        ? 'not tried: by the smaller pairs, some 20 minutes and many GB of memory'
        : undefined,
    create: ({ oldArchive, newArchive }, patch) => [
      ...['zstd', '--ultra', '-22', '--long=31', `-T${availableParallelism()}`, '-q', '-f'],
      ...[`--patch-from=${oldArchive}`, newArchive, '-o', patch],
    ],
    apply: ({ oldArchive }, patch, output) => [
      ...['zstd', '-d', '--long=31', '-q', '-f', `--patch-from=${oldArchive}`, patch, '-o', output],
    ],
  },
];

/** Why the tool does not run on the case; undefined when it does. */
export function skipReason(tool, pair) {
  if (tool.program !== undefined && !isOnPath(tool.program)) return 'not installed';
  return tool.skip?.(pair);
}

/** xdelta3 wants whole mebibytes, and no more than 2 GiB. */
function windowOf(bytes) {
  return Math.min(Math.ceil(bytes / (1 << 20)) * (1 << 20), 2 ** 31 - (1 << 20));
}
