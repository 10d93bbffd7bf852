/** Archives that real writers made, against what real readers see in them. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PYTHON_LIST } from '../../test/fixtures/tar-peers.ts';
import { bytesAccess } from '../bytes/access.ts';
import { walkTar } from './walk.ts';

const directory = mkdtempSync(join(tmpdir(), 'didiff-tar-'));
const tree = join(directory, 'tree');
afterAll(() => rmSync(directory, { recursive: true }));

beforeAll(() => {
  const long = `${'long-directory-name/'.repeat(6)}`;
  mkdirSync(join(tree, long), { recursive: true });
  writeFileSync(join(tree, 'empty'), '');
  writeFileSync(join(tree, 'block'), 'b'.repeat(512));
  writeFileSync(join(tree, 'some'), 's'.repeat(70_000));
  writeFileSync(join(tree, long, 'n'.repeat(90)), 'deep');
  writeFileSync(join(tree, 'm'.repeat(200)), 'wide');
  writeFileSync(Buffer.from(`${tree}/caf\xe9-not-utf8`, 'latin1'), 'latin');
  writeFileSync(join(tree, 'café-utf8'), 'utf8');
  chmodSync(join(tree, 'some'), 0o4711);
  linkSync(join(tree, 'some'), join(tree, 'zz-hard'));
  symlinkSync('t'.repeat(150), join(tree, 'soft-long'));
  symlinkSync('some', join(tree, 'soft'));
  execFileSync('mkfifo', [join(tree, 'pipe')]);
  // Many holes, so that the sparse map needs extra blocks.
  const sparse = openSync(join(tree, 'sparse'), 'w');
  for (let i = 0; i < 40; i++) writeSync(sparse, 'data', i * 65_536);
  ftruncateSync(sparse, 4 << 20);
  closeSync(sparse);
});

type Row = readonly unknown[];

/** The walker's view in the rows of PYTHON_LIST; also checks the tiling. */
function walkRows(tar: Uint8Array): Row[] {
  const rows: Row[] = [];
  let offset = 0;
  for (const segment of walkTar(bytesAccess(tar))) {
    expect(segment.offset).toBe(offset);
    expect(segment.kind).not.toBe('unknown');
    offset += segment.sizeBytes;
    if (segment.kind !== 'header') continue;
    const { path, type, sizeBytes, linkTarget, mode, mtime, contentOffset } = segment.entry;
    // Python drops slashes at the end of names, and gives a sparse file's full size.
    rows.push([
      path.replace(/\/+$/, ''),
      type,
      type === 'sparse' ? 0 : sizeBytes,
      linkTarget,
      mode,
      mtime,
      contentOffset,
    ]);
  }
  expect(offset).toBe(tar.length);
  return rows;
}

function pythonRows(path: string): Row[] {
  const options = { encoding: 'utf8', maxBuffer: 1 << 28 } as const;
  return JSON.parse(execFileSync('python3', ['-c', PYTHON_LIST, path], options));
}

/** Content offsets of sparse files differ: Python counts the map in front of PAX 1.0 content to the header. */
function withoutSparseOffsets(rows: readonly Row[]): Row[] {
  return rows.map((row) => (row[1] === 'sparse' ? row.slice(0, 6) : row));
}

describe.each(['v7', 'oldgnu', 'gnu', 'ustar', 'pax'])('GNU tar --format=%s', (format) => {
  test.each([
    ['plain', []],
    ['sparse', ['--sparse']],
    ['sparse 0.0', ['--sparse', '--sparse-version=0.0']],
    ['sparse 0.1', ['--sparse', '--sparse-version=0.1']],
  ])('%s agrees with tarfile', (kind, options) => {
    const path = join(directory, 'gnu.tar');
    // The older formats can't name everything: GNU tar leaves that out, and says so by its exit code.
    try {
      execFileSync('tar', ['-C', tree, `--format=${format}`, ...options, '-cf', path, '.'], {
        stdio: 'ignore',
      });
    } catch (error) {
      expect(['v7', 'ustar', 'oldgnu']).toContain(format);
      expect((error as { status: number }).status).toBe(2);
    }
    const rows = walkRows(readFileSync(path));
    expect(rows.length).toBeGreaterThan(10);
    expect(withoutSparseOffsets(rows)).toEqual(withoutSparseOffsets(pythonRows(path)));
    const isSparse = kind !== 'plain' && !['v7', 'ustar'].includes(format);
    expect(rows.some((row) => row[1] === 'sparse')).toBe(isSparse);
  });
});

describe.each(['USTAR', 'GNU', 'PAX'])("Python's %s_FORMAT", (format) => {
  test('agrees with tarfile', () => {
    const path = join(directory, 'python.tar');
    const make = `
import sys, tarfile
def small(info):
    # ustar has no room for some names
    too_long = len(info.linkname) > 100 or max(map(len, info.name.split('/'))) > 100
    return None if ${format === 'USTAR' ? 'too_long' : 'False'} else info
with tarfile.open(sys.argv[2], 'w', format=tarfile.${format}_FORMAT) as tar:
    tar.add(sys.argv[1], arcname='tree', filter=small)
`;
    execFileSync('python3', ['-c', make, tree, path]);
    const rows = walkRows(readFileSync(path));
    expect(rows.length).toBeGreaterThan(10);
    expect(rows).toEqual(pythonRows(path));
  });
});

const images = process.env['DIDIFF_IMAGES'];

/** The layers of all images of the OCI layout, as digests. */
function layerBlobs(layout: string): string[] {
  const readJson = (digest: string) =>
    JSON.parse(readFileSync(join(layout, 'blobs/sha256', digest.replace('sha256:', '')), 'utf8'));
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
  const digests: string[] = index.manifests.flatMap((m: { digest: string }) =>
    readJson(m.digest).layers.map((layer: { digest: string }) => layer.digest),
  );
  return [...new Set(digests)];
}

// Real layers, made by Docker: set DIDIFF_IMAGES to an OCI layout to run it.
describe.skipIf(images === undefined || !existsSync(images))(
  'real layers, of the OCI layout that DIDIFF_IMAGES names',
  () => {
    const layers = images === undefined ? [] : layerBlobs(images);
    test.each(layers)('%s agrees with tarfile and GNU tar', (digest) => {
      const tar = gunzipSync(readFileSync(join(images!, 'blobs/sha256', digest.slice(7))));
      const path = join(directory, 'layer.tar');
      writeFileSync(path, tar);
      const rows = walkRows(tar);
      expect(rows).toEqual(pythonRows(path));
      const listed = execFileSync('tar', ['-tvf', path, '--numeric-owner', '--quoting-style=literal'], {
        encoding: 'latin1',
        maxBuffer: 1 << 28,
      });
      const kinds = new Map([
        ['file', '-'],
        ['directory', 'd'],
        ['symlink', 'l'],
        ['hardlink', 'h'],
        ['character-device', 'c'],
        ['block-device', 'b'],
        ['fifo', 'p'],
      ]);
      expect(
        listed
          .trimEnd()
          .split('\n')
          .map((line) => line[0]),
      ).toEqual(rows.map((row) => kinds.get(String(row[1]))));
    });
  },
);
