import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  bytes,
  entries,
  extension,
  GNU,
  hollow,
  patched,
  reasonOf,
  record,
  shape,
} from '../../test/fixtures/tar.ts';
import { encodeTarHeader } from './encode.ts';
import { nameOfText, textOfName } from './name.ts';
import { walkTar } from './walk.ts';

describe('entries', () => {
  test('join the ustar prefix and name, and have type, mode and time', () => {
    const path = `${'d'.repeat(90)}/${'n'.repeat(60)}`;
    const [entry] = entries(encodeTarHeader({ path, type: 'directory', mode: 0o1750, mtime: 1_700_000_000 }));
    expect(entry).toEqual({
      path,
      type: 'directory',
      linkTarget: '',
      sizeBytes: 0,
      headerOffset: 0,
      headerBytes: 512,
      contentOffset: 512,
      mtime: 1_700_000_000,
      mode: 0o1750,
      uid: 0,
      gid: 0,
    });
  });

  test('have owner, device and extended attributes', () => {
    const owned = { 108: '0001750\0', 116: '0000144\0', 156: '3', 329: '0000010\0', 337: '0000005\0' };
    const pax =
      record('SCHILY.xattr.user.a', '\xff\0b') + record('uid', '3000000') + record('LIBARCHIVE.xattr.x', 'y');
    const tar = bytes(
      patched(encodeTarHeader({ path: 'device' }), owned),
      extension('x', pax),
      patched(encodeTarHeader({ path: 'capable' }), { 116: '0000144\0' }),
    );
    expect(entries(tar)).toMatchObject([
      { uid: 0o1750, gid: 100, device: [8, 5], xattrs: undefined },
      { uid: 3_000_000, gid: 100, device: undefined, xattrs: new Map([['user.a', '\xff\0b']]) },
    ]);
  });

  test('of V7 archives are directories when the name ends in a slash', () => {
    const v7 = { 156: '\0', 257: '\0\0\0\0\0\0\0\0' };
    const tar = bytes(
      patched(encodeTarHeader({ path: 'd/', sizeBytes: 99 }), v7),
      patched(encodeTarHeader({ path: 'f' }), v7),
    );
    expect(entries(tar).map((e) => [e.path, e.type, e.sizeBytes])).toEqual([
      ['d/', 'directory', 0],
      ['f', 'file', 0],
    ]);
  });

  test('take a signed checksum as old writers made it', () => {
    const header = Buffer.from(encodeTarHeader({ path: '\xe4\xff' }));
    const sum = Number.parseInt(header.toString('latin1', 148, 154), 8) - 2 * 256;
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    expect(entries(new Uint8Array(header))[0]!.path).toBe('\xe4\xff');
  });

  test('keep names apart that are not UTF-8', () => {
    const tar = bytes(encodeTarHeader({ path: 'a\xff' }), encodeTarHeader({ path: 'a\xfe' }));
    expect(entries(tar).map((e) => e.path)).toEqual(['a\xff', 'a\xfe']);
    expect(entries(tar).map((e) => textOfName(e.path))).toEqual(['a\ufffd', 'a\ufffd']);
    fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => textOfName(nameOfText(text)) === text));
  });

  test('take names and sizes from PAX and GNU extensions, which belong to the header', () => {
    const pax =
      record('path', 'from/pax') + record('linkpath', 'to') + record('size', '3') + record('mtime', '-1.5');
    const tar = bytes(
      extension('x', pax),
      patched(encodeTarHeader({ path: 'short', sizeBytes: 9 }), {}),
      'abc',
      new Uint8Array(509),
      extension('K', `${'k'.repeat(600)}\0`),
      extension('L', `${'l'.repeat(600)}\0`),
      encodeTarHeader({ path: 'cut', type: 'symlink', linkTarget: 'cut' }),
    );
    const [first, second] = entries(tar);
    expect(first).toMatchObject({
      path: 'from/pax',
      sizeBytes: 3,
      headerBytes: 1536,
      linkTarget: '',
      mtime: -1.5,
    });
    expect(second).toMatchObject({ path: 'l'.repeat(600), linkTarget: 'k'.repeat(600), headerBytes: 3584 });
    expect(shape(tar)).toBe('header 1536, content 3, padding 509, header 3584');
  });

  test('obey global PAX records until they are taken back', () => {
    const plain = encodeTarHeader({ path: 'own' });
    const tar = bytes(
      extension('g', record('path', 'global')),
      plain,
      extension('x', record('path', 'local')),
      plain,
      extension('x', record('path', '')),
      plain,
      extension('g', record('path', '')),
      plain,
    );
    expect(entries(tar).map((e) => e.path)).toEqual(['global', 'local', 'own', 'own']);
  });

  test('have no stored content when they are links, directories or devices, whatever their size field says', () => {
    const sized = (typeFlag: string) =>
      patched(encodeTarHeader({ path: 'p', sizeBytes: 1000 }), { 156: typeFlag });
    const tar = bytes(...['1', '2', '3', '4', '5', '6'].map(sized));
    expect(entries(tar).map((e) => e.type)).toEqual([
      'hardlink',
      'symlink',
      'character-device',
      'block-device',
      'directory',
      'fifo',
    ]);
    const linked = bytes(extension('x', record('size', '77')), sized('1'), encodeTarHeader({ path: 'q' }));
    expect(entries(linked).map((e) => e.path)).toEqual(['p', 'q']);
  });

  test('of contiguous and unheard-of types have content', () => {
    const tar = bytes(
      ...['7', 'V', 'M', '\xff'].flatMap((f) => [
        patched(encodeTarHeader({ path: f, sizeBytes: 512 }), { 156: f }),
        new Uint8Array(512).fill(1),
      ]),
    );
    expect(entries(tar).map((e) => [e.type, e.sizeBytes])).toEqual([
      ['file', 512],
      ['other', 512],
      ['other', 512],
      ['other', 512],
    ]);
  });

  test('read base-256 sizes up to 2^53, and nothing beyond or below zero', () => {
    const sized = (field: string) => patched(encodeTarHeader({ path: 'big' }), { ...GNU, 124: field });
    const big = [...walkTar(hollow(sized('\x80\0\0\0\0\0\0\x02\0\0\0\x05'), 2 * 2 ** 32 + 1024))];
    expect(big[1]).toMatchObject({ kind: 'content', sizeBytes: 2 * 2 ** 32 + 5 });
    expect(reasonOf(sized('\x80\0\0\0\0\x20\0\0\0\0\0\0'))).toBe('has no valid size');
    expect(reasonOf(sized('\xff'.repeat(12)))).toBe('has no valid size');
    expect(reasonOf(sized('\xff'.repeat(4) + '\0'.repeat(8)))).toBe('has no valid size');
    expect(reasonOf(sized('00000009\0'))).toBe('has no valid size');
  });

  test('larger than 8 GiB come from PAX as well', () => {
    const sizeBytes = 9 * 2 ** 30 + 1;
    const segments = [...walkTar(hollow(encodeTarHeader({ path: 'big', sizeBytes }), 9 * 2 ** 30 + 3072))];
    expect(segments.map((s) => [s.kind, s.sizeBytes])).toEqual([
      ['header', 1536],
      ['content', sizeBytes],
      ['padding', 511],
      ['end', 1024],
    ]);
  }, 60_000);

  test('of the old GNU sparse kind have their map blocks in the header', () => {
    const map = new Uint8Array(512);
    map[504] = 1;
    const header = patched(encodeTarHeader({ path: 's', sizeBytes: 600 }), { ...GNU, 156: 'S', 482: '\x01' });
    const tar = bytes(header, map, new Uint8Array(512), 'x'.repeat(600), new Uint8Array(424));
    expect(shape(tar)).toBe('header 1536, content 600, padding 424');
    expect(entries(tar)[0]).toMatchObject({ type: 'sparse', sizeBytes: 600, contentOffset: 1536 });
    expect(reasonOf(tar.subarray(0, 1024))).toBe('has a cut off or too long sparse map');
    expect(reasonOf(bytes(header, map, map.slice(0, 0)))).toBe('has a cut off or too long sparse map');
  });

  test('of star have the shorter prefix', () => {
    const header = patched(encodeTarHeader({ path: 'name' }), {
      345: 'prefix',
      476: '00000000000\0',
      508: 'tar\0',
    });
    expect(entries(header)[0]!.path).toBe('prefix/name');
  });

  test('of GNU tar have times where ustar has a prefix, and of old Go a prefix all the same', () => {
    const gnu = patched(encodeTarHeader({ path: 'name' }), {
      ...GNU,
      345: '14567654321\0' + '14567654321\0',
    });
    const go = patched(encodeTarHeader({ path: 'name' }), { ...GNU, 345: 'long/prefix/of/old/go' });
    expect(entries(bytes(gnu, go)).map((e) => e.path)).toEqual(['name', 'long/prefix/of/old/go/name']);
  });

  test('of PAX sparse files have their real name', () => {
    const pax =
      record('GNU.sparse.major', '1') +
      record('GNU.sparse.name', 'real') +
      record('GNU.sparse.realsize', '9');
    const tar = bytes(extension('x', pax), encodeTarHeader({ path: 'GNUSparseFile.1/real' }));
    expect(entries(tar)[0]).toMatchObject({ path: 'real', type: 'sparse' });
  });
});
