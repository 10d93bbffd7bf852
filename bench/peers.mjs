/**
 * The tools that are compared. All get the same two files, the images in the form of `docker save`, or where a case is of
 * one file, that file; each has a command that makes a patch, and one that applies it. didiff takes the images apart,
 * the peers see bytes.
 */
import { availableParallelism, totalmem } from 'node:os';
import { isOnPath } from './measure.mjs';

const DIDIFF = [process.execPath, 'dist/cli/main.js'];
const ARCHIVE_NAME = 'bench/image:1';
const GIGABYTE = 1e9;

/** An archive that holds an image under the name all archives of the bench have. */
export const archive = (path) => `docker-archive:${path}`;
export const didiff = (...args) => [...DIDIFF, ...args];
export const didiffApply = (patch, base, output) =>
  didiff('apply', patch, '--base', base, '--to', archive(output), '-t', ARCHIVE_NAME);

const didiffArchives = (name, options) => ({
  name,
  create: ({ old: older, new: newer }, patch) =>
    didiff('create', ...options, archive(older.archive), archive(newer.archive), patch),
  apply: ({ old: older }, patch, output) => didiffApply(patch, archive(older.archive), output),
});

const zstdPatchFrom = (name, options, skip) => ({
  name,
  program: 'zstd',
  skip,
  create: ({ old: older, new: newer }, patch) => [
    ...['zstd', ...options, '--long=31', '-q', '-f', `--patch-from=${seen(older)}`, seen(newer), '-o', patch],
  ],
  apply: ({ old: older }, patch, output) => [
    ...['zstd', '-d', '--long=31', '-q', '-f', `--patch-from=${seen(older)}`, patch, '-o', output],
  ],
});

export const TOOLS = [
  didiffArchives('didiff', []),
  didiffArchives('didiff --effort 3', ['--effort', '3']),
  didiffArchives('didiff --effort 1', ['--effort', '1']),
  {
    name: 'didiff, exact blobs',
    // Only a layout has blobs to be exact.
    isFor: ({ old: older }) => older.reference !== undefined,
    create: ({ old: older, new: newer }, patch) => didiff('create', older.reference, newer.reference, patch),
    apply: ({ old: older }, patch, output) => didiffApply(patch, older.reference, output),
  },
  {
    name: 'bsdiff',
    program: 'bsdiff',
    // Its suffix array: 8 bytes for each byte of the old file twice over, and both files.
    skip: ({ old: older }) => {
      const needed = 17 * seenBytes(older);
      return needed > totalmem() / 2 || seenBytes(older) > GIGABYTE
        ? `holds 17 bytes for each byte of the old image: ${(needed / GIGABYTE).toFixed(0)} GB`
        : undefined;
    },
    create: ({ old: older, new: newer }, patch) => ['bsdiff', seen(older), seen(newer), patch],
    apply: ({ old: older }, patch, output) => ['bspatch', seen(older), output, patch],
  },
  {
    name: 'xdelta3 -9',
    program: 'xdelta3',
    // With a window as large as the old file; its default of 64 MB loses what is farther away.
    create: ({ old: older, new: newer }, patch) => [
      ...['xdelta3', '-9', '-f', '-B', String(windowOf(older)), '-e', '-s', seen(older)],
      ...[seen(newer), patch],
    ],
    apply: ({ old: older }, patch, output) => [
      ...['xdelta3', '-f', '-B', String(windowOf(older)), '-d', '-s', seen(older), patch, output],
    ],
  },
  zstdPatchFrom(
    'zstd -22 --patch-from',
    ['--ultra', '-22', `-T${availableParallelism()}`],
    ({ new: newer }) =>
      seenBytes(newer) > GIGABYTE
        ? 'not tried: by the smaller pairs, some 20 minutes and many GB of memory'
        : undefined,
  ),
  zstdPatchFrom('zstd -3 --patch-from', ['-3', `-T${availableParallelism()}`]),
];

/** Why the tool does not run on the case; undefined when it does. */
export function skipReason(tool, pair) {
  if (tool.program !== undefined && !isOnPath(tool.program)) return 'not installed';
  return tool.skip?.(pair);
}

/** What a tool must yield. */
export function expectedOf(tool, { new: newer }) {
  return tool.program === undefined ? newer.archive : seen(newer);
}

/** What tools that know no images see of a side. */
function seen({ file, archive }) {
  return file ?? archive;
}

function seenBytes({ fileBytes, archiveBytes }) {
  return fileBytes ?? archiveBytes;
}

/** xdelta3 wants whole mebibytes, and no more than 2 GiB. */
function windowOf(side) {
  return Math.min(Math.ceil(seenBytes(side) / (1 << 20)) * (1 << 20), 2 ** 31 - (1 << 20));
}
