import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { bytes, entries, file, hollow } from '../../test/fixtures/tar.ts';
import { PYTHON_LIST } from '../../test/fixtures/tar-peers.ts';
import { END_OF_ARCHIVE, encodeTarHeader, tarPadding } from './encode.ts';
import { walkTar } from './walk.ts';

const directory = mkdtempSync(join(tmpdir(), 'didiff-tar-'));
afterAll(() => rmSync(directory, { recursive: true }));

function pythonList(tar: Uint8Array): unknown[][] {
  const path = join(directory, 'python.tar');
  writeFileSync(path, tar);
  return JSON.parse(execFileSync('python3', ['-c', PYTHON_LIST, path], { encoding: 'utf8' }));
}

const name = fc
  .string({ unit: 'binary-ascii', minLength: 1, maxLength: 400 })
  .map((text) => text.replaceAll('\0', '/'))
  // Python drops slashes at the end of all names, so there are none.
  .map((text) => `${text.replace(/^\/+/, '')}.`);
const fields = fc.record({
  path: fc.oneof(
    name,
    name.map((text) => `${text.slice(0, 120)}/${text}`),
  ),
  type: fc.constantFrom('file', 'directory', 'symlink', 'hardlink'),
  mode: fc.nat(0o7777),
  mtime: fc.nat(2 ** 31),
  linkTarget: name,
  sizeBytes: fc.nat(2000),
});

describe('an encoded header', () => {
  test('is read back by the walker as it was given', () => {
    fc.assert(
      fc.property(fields, ({ linkTarget, sizeBytes, ...rest }) => {
        const isLink = rest.type.endsWith('link');
        const given = {
          ...rest,
          linkTarget: isLink ? linkTarget : '',
          sizeBytes: rest.type === 'file' ? sizeBytes : 0,
        };
        const header = encodeTarHeader(given);
        const tar = bytes(header, new Uint8Array(given.sizeBytes + tarPadding(given.sizeBytes)));
        expect(entries(tar)).toEqual([
          {
            ...given,
            uid: 0,
            gid: 0,
            headerOffset: 0,
            headerBytes: header.length,
            contentOffset: header.length,
          },
        ]);
      }),
    );
  });

  test("is read by Python's tarfile as it was given", () => {
    fc.assert(
      fc.property(fc.array(fields, { minLength: 10, maxLength: 30 }), (all) => {
        const headers = all.map(({ sizeBytes: _, linkTarget, ...rest }) =>
          encodeTarHeader(rest.type.endsWith('link') ? { ...rest, linkTarget } : rest),
        );
        const listed = pythonList(bytes(...headers, END_OF_ARCHIVE));
        expect(listed.map(([path, type, , link, mode, mtime]) => [path, type, link, mode, mtime])).toEqual(
          all.map((e) => [e.path, e.type, e.type.endsWith('link') ? e.linkTarget : '', e.mode, e.mtime]),
        );
      }),
      { numRuns: 12 },
    );
  });

  test('keeps names that are not UTF-8, short ones and long ones', () => {
    const paths = ['\xff\xfe', `${'long\xff/'.repeat(60)}x`, `${'d/'.repeat(70)}\xe4`];
    const tar = bytes(...paths.map((path) => encodeTarHeader({ path })), END_OF_ARCHIVE);
    expect(entries(tar).map((e) => e.path)).toEqual(paths);
    expect(pythonList(tar).map(([path]) => path)).toEqual(paths);
  });

  test('is unpacked by GNU tar', () => {
    const long = `${'deep/'.repeat(50)}${'n'.repeat(120)}`;
    const tar = bytes(
      encodeTarHeader({ path: 'dir/', type: 'directory' }),
      file({ path: 'dir/a', mode: 0o600 }, 'hello'),
      file({ path: long }, 'long'),
      encodeTarHeader({ path: 'dir/hard', type: 'hardlink', linkTarget: long }),
      encodeTarHeader({ path: 'dir/soft', type: 'symlink', linkTarget: 'l'.repeat(200) }),
      END_OF_ARCHIVE,
    );
    const path = join(directory, 'gnu.tar');
    writeFileSync(path, tar);
    execFileSync('tar', ['-C', directory, '-xf', path]);
    expect(readFileSync(join(directory, 'dir/hard'), 'latin1')).toBe('long');
    const env = { ...process.env, TZ: 'UTC', LC_ALL: 'C' };
    const out = execFileSync('tar', ['-tvf', path], { encoding: 'utf8', env });
    expect(out.split('\n').map((line) => line.replace(/ +/g, ' ').trim())).toEqual([
      'drwxr-xr-x 0/0 0 1970-01-01 00:00 dir/',
      '-rw------- 0/0 5 1970-01-01 00:00 dir/a',
      `-rw-r--r-- 0/0 4 1970-01-01 00:00 ${long}`,
      `hrw-r--r-- 0/0 0 1970-01-01 00:00 dir/hard link to ${long}`,
      `lrwxrwxrwx 0/0 0 1970-01-01 00:00 dir/soft -> ${'l'.repeat(200)}`,
      '',
    ]);
  });

  test('has a PAX size beyond 8 GiB, which GNU tar and Python read', () => {
    const sizeBytes = 2 ** 33;
    const header = encodeTarHeader({ path: 'big', sizeBytes });
    expect(encodeTarHeader({ path: 'big', sizeBytes: sizeBytes - 1 }).length).toBe(512);
    expect(header.length).toBe(1536);
    const list = "import sys,tarfile; print(tarfile.open(fileobj=sys.stdin.buffer, mode='r|').next().size)";
    expect(execFileSync('python3', ['-c', list], { input: header, encoding: 'utf8' }).trim()).toBe(
      String(sizeBytes),
    );
    const segments = [...walkTar(hollow(header, header.length + sizeBytes))];
    expect(segments.map((s) => s.sizeBytes)).toEqual([1536, sizeBytes]);
  });

  test('is refused for what no tar can say', () => {
    expect(() => encodeTarHeader({ path: '' })).toThrow(RangeError);
    expect(() => encodeTarHeader({ path: 'a\0b' })).toThrow(
      'tar path "a\\u0000b" is empty, too long or not plain bytes',
    );
    expect(() => encodeTarHeader({ path: '\u20ac' })).toThrow(RangeError);
    expect(() => encodeTarHeader({ path: 'a', sizeBytes: -1 })).toThrow(RangeError);
    expect(() => encodeTarHeader({ path: 'a', sizeBytes: 0.5 })).toThrow(RangeError);
    expect(() => encodeTarHeader({ path: 'a', type: 'directory', sizeBytes: 1 })).toThrow(RangeError);
    expect(() => encodeTarHeader({ path: 'a', mode: 0o10000 })).toThrow(RangeError);
  });
});
