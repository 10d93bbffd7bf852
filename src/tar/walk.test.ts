import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytes,
  entries,
  extension,
  file,
  GNU,
  patched,
  reasonOf,
  record,
  shape,
  walk,
} from '../../test/fixtures/tar.ts';
import { bytesAccess, type RandomAccess } from '../bytes/access.ts';
import { END_OF_ARCHIVE, encodeTarHeader } from './encode.ts';
import { MAX_EXTENSION_BYTES, MAX_HEADER_BYTES } from './header.ts';
import { walkTar } from './walk.ts';

describe('segments', () => {
  test('an empty input has none', () => {
    expect(walk(new Uint8Array(0))).toEqual([]);
  });

  test('are header, content and padding of each entry, then the end', () => {
    const tar = bytes(file({ path: 'a' }, 'hello'), file({ path: 'b' }, ''), END_OF_ARCHIVE);
    expect(shape(tar)).toBe('header 512, content 5, padding 507, header 512, end 1024');
  });

  test('hold every zero after the end mark as the end, and anything else as unknown', () => {
    const zeros = new Uint8Array(10_240);
    expect(shape(bytes(file({ path: 'a' }, ''), zeros))).toBe('header 512, end 10240');
    expect(shape(bytes(file({ path: 'a' }, ''), zeros, 'junk', zeros))).toBe(
      'header 512, end 10240, unknown 10244',
    );
  });

  test('take one zero block, or none, as the end too', () => {
    expect(shape(bytes(file({ path: 'a' }, ''), new Uint8Array(512)))).toBe('header 512, end 512');
    expect(shape(file({ path: 'a' }, ''))).toBe('header 512');
  });

  test('of an archive behind the end mark are unknown, as engines do not read it', () => {
    const one = bytes(file({ path: 'a' }, 'x'), END_OF_ARCHIVE);
    expect(shape(bytes(one, one))).toBe('header 512, content 1, padding 511, end 1024, unknown 2048');
    expect(reasonOf(bytes(one, one))).toBe('comes after the end of the archive');
  });

  test('of a cut off archive end where the input ends', () => {
    const tar = file({ path: 'a' }, 'hello');
    expect(shape(tar.subarray(0, 514))).toBe('header 512, content 2');
    expect(entries(tar.subarray(0, 514))[0]!.sizeBytes).toBe(2);
    expect(shape(tar.subarray(0, 600))).toBe('header 512, content 5, padding 83');
    expect(shape(tar.subarray(0, 512))).toBe('header 512');
    expect(shape(tar.subarray(0, 511))).toBe('unknown 511');
    expect(reasonOf(tar.subarray(0, 511))).toBe('is cut off');
  });

  test('after a wrong checksum are one unknown', () => {
    const tar = bytes(file({ path: 'a' }, ''), file({ path: 'b' }, ''), file({ path: 'c' }, ''));
    tar[512 + 3] = 1;
    expect(shape(tar)).toBe('header 512, unknown 1024');
    expect(reasonOf(tar)).toBe('has a wrong checksum');
  });

  const entry = fc
    .record({
      path: fc
        .string({ unit: 'binary-ascii', minLength: 1, maxLength: 300 })
        .map((s) => s.replaceAll('\0', '/')),
      content: fc.string({ unit: 'binary-ascii', maxLength: 1500 }),
      type: fc.constantFrom('file', 'directory', 'symlink', 'hardlink'),
    })
    .map(({ path, content, type }) =>
      type === 'file'
        ? file({ path }, content)
        : encodeTarHeader({ path, type: type as 'file', linkTarget: path }),
    );
  const odd = fc.oneof(
    fc.uint8Array({ maxLength: 1200 }),
    fc.constant(new Uint8Array(512)),
    fc.constantFrom('x', 'g', 'L', 'K', 'S').map((flag) => extension(flag, '12 path=name\n')),
    fc.constant(patched(encodeTarHeader({ path: 's' }), { ...GNU, 156: 'S', 482: '\x01' })),
  );

  test('tile any mix of entries and odd bytes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 5, arbitrary: entry }, { weight: 1, arbitrary: odd }), { maxLength: 12 }),
        fc.nat(700),
        (parts, cut) => {
          const tar = bytes(...parts);
          walk(tar.subarray(0, Math.max(0, tar.length - cut)));
        },
      ),
      { numRuns: 500 },
    );
  });

  test('tile archives with any byte changed', () => {
    const whole = bytes(
      extension('g', record('comment', 'all')),
      file({ path: 'p/'.repeat(120) }, 'x'.repeat(700)),
      patched(encodeTarHeader({ path: 's' }), { ...GNU, 156: 'S', 482: '\x01' }),
      new Uint8Array(512),
      extension('L', 'name\0'),
      file({ path: 'b' }, 'y'),
      END_OF_ARCHIVE,
    );
    for (let at = 0; at < whole.length; at += 3) {
      const tar = whole.slice();
      tar[at] = (tar[at]! + 1 + at) & 0xff;
      walk(tar);
    }
  });

  test('are the same however the content is read', () => {
    const tar = bytes(
      ...Array.from({ length: 300 }, (_, i) => file({ path: `f${i}` }, 'z'.repeat((i * 977) % 9000))),
    );
    const reads: number[] = [];
    const counted: RandomAccess = {
      sizeBytes: tar.length,
      readAt(position, into) {
        reads.push(into.length);
        bytesAccess(tar).readAt(position, into);
      },
    };
    expect([...walkTar(counted)]).toEqual(walk(tar));
    expect(entries(tar).map((e) => e.path)).toEqual(Array.from({ length: 300 }, (_, i) => `f${i}`));
    expect(reads.length).toBeLessThan(300);
  });
});

describe('hostile input', () => {
  const next = encodeTarHeader({ path: 'next' });

  test.each([
    ['a length beyond the data', '99 path=a\n'],
    ['a length of zero', '0 path=a\n'],
    ['a length short of its own record', '4 path=a\n'],
    ['a negative length', '-9 path=a\n'],
    ['a huge length', '99999999999999999999 path=a\n'],
    ['no length', 'path=a\n'],
    ['a missing newline', '10 path=abc'],
    ['no equals sign', '8 patha\n'],
    ['an empty key', '5 =a\n'],
    ['a NUL in a name', record('path', 'a\0b')],
    ['text after a zero byte', `${record('path', 'a')}\0junk`],
    ['a signed size', record('size', '-1')],
    ['a size beyond 2^53', record('size', '9007199254740992')],
    ['a size that is no number', record('size', '1e3')],
  ])('PAX records with %s are unknown', (_, data) => {
    expect(shape(bytes(extension('x', data), next))).toBe('unknown 1536');
  });

  test('an extension above the limit is not read', () => {
    const large = extension('x', '', MAX_EXTENSION_BYTES + 1);
    expect(reasonOf(bytes(large, next))).toBe('has an extension that is too long');
    const claimed = extension('L', '', MAX_EXTENSION_BYTES);
    expect(reasonOf(bytes(claimed, next))).toBe('is cut off in an extension');
  });

  test('a row of extensions without end is given up', () => {
    const row = bytes(extension('L', 'x'.repeat(MAX_EXTENSION_BYTES)));
    const count = Math.ceil(MAX_HEADER_BYTES / row.length) + 1;
    expect(reasonOf(bytes(...Array.from({ length: count }, () => row), next))).toBe('is too long');
  });

  test('a sparse map without end is given up', () => {
    const map = new Uint8Array(MAX_HEADER_BYTES + 1024).fill(1);
    const header = patched(encodeTarHeader({ path: 's' }), { ...GNU, 156: 'S', 482: '\x01' });
    expect(reasonOf(bytes(header, map))).toBe('has a cut off or too long sparse map');
  });

  test('an extension that no entry follows is unknown', () => {
    const tail = extension('g', record('comment', 'x'));
    expect(reasonOf(bytes(next, tail, END_OF_ARCHIVE))).toBe('extends no entry');
    expect(shape(bytes(next, tail))).toBe('header 512, unknown 1024');
  });

  test('20,000 entries in 20 MB take well under a second', () => {
    const block = bytes(file({ path: 'usr/share/doc/some/path/of/usual/length' }, 'x'.repeat(500)));
    const tar = bytes(...Array.from({ length: 20_000 }, () => block));
    const started = performance.now();
    let count = 0;
    for (const segment of walkTar(bytesAccess(tar))) if (segment.kind === 'header') count++;
    const ms = performance.now() - started;
    expect(count).toBe(20_000);
    // Some 40 ms alone; the bound leaves room for a busy machine and still fails if contents were read.
    expect(ms).toBeLessThan(800);
  });
});
