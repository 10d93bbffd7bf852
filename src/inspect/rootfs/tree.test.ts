import { describe, expect, test } from 'vitest';
import { buildTar, type TarEntrySpec } from '../../../test/fixtures/layer-tar.ts';
import { bytesAccess } from '../../bytes/access.ts';
import { walkTar } from '../../tar/walk.ts';
import type { TreeNode } from './node.ts';
import { applyEntry, emptyTree } from './tree.ts';

const file = (name: string): TarEntrySpec => ({ name, type: '0' });
const folder = (name: string): TarEntrySpec => ({ name, type: '5' });
const link = (name: string, linkTarget: string): TarEntrySpec => ({ name, type: '2', linkTarget });

/** The paths of the files and links that the layers leave, folders with a slash where nothing is in them. */
function unpack(...layers: readonly (readonly TarEntrySpec[])[]): string[] {
  const tree = emptyTree();
  for (const [position, entries] of layers.entries()) {
    const tar = bytesAccess(buildTar(entries));
    for (const segment of walkTar(tar))
      if (segment.kind === 'header') applyEntry(tree, segment.entry, { position, tar });
  }
  return list(tree.root, '').sort();
}

function list(node: TreeNode, path: string): string[] {
  if (node.children === undefined) return [path];
  if (node.children.size === 0) return [`${path}/`];
  return [...node.children].flatMap(([name, child]) => list(child, `${path}/${name}`));
}

describe('whiteouts', () => {
  test('hide files and whole folders of lower layers', () => {
    expect(unpack([file('a'), file('d/x'), file('d/y')], [file('.wh.a'), file('d/.wh.x')])).toEqual(['/d/y']);
    expect(unpack([file('d/e/x'), file('b')], [file('.wh.d')])).toEqual(['/b']);
  });

  test('hide nothing of their own layer, wherever they stand in it', () => {
    expect(unpack([file('d/x')], [file('d/new'), file('.wh.d')])).toEqual(['/d/new']);
    expect(unpack([file('d/x')], [file('d/new'), file('d/.wh..wh..opq')])).toEqual(['/d/new']);
    expect(unpack([file('d/x')], [file('d/.wh..wh..opq'), file('d/new')])).toEqual(['/d/new']);
  });

  test('of nothing, and other marks of AUFS, are no files', () => {
    expect(unpack([file('a')], [file('.wh.b'), file('.wh..wh.plnk/1.2'), file('.wh..wh.aufs')])).toEqual(
      expect.arrayContaining(['/a']),
    );
    expect(unpack([file('a')], [file('.wh..wh.aufs')])).toEqual(['/a']);
  });
});

describe('names', () => {
  test('can not leave the root', () => {
    expect(unpack([file('../../a'), file('/b'), file('./c/../d')])).toEqual(['/a', '/b', '/d']);
    expect(unpack([link('up', '../../..'), file('up/e')])).toEqual(['/e', '/up']);
  });

  test('are followed through symbolic links to folders', () => {
    expect(unpack([link('lib', 'usr/lib'), folder('usr/lib/')], [file('lib/x')])).toEqual([
      '/lib',
      '/usr/lib/x',
    ]);
    expect(unpack([link('a', '/b'), link('b', 'c'), file('c/1')], [file('a/.wh.1'), file('a/2')])).toEqual([
      '/a',
      '/b',
      '/c/2',
    ]);
  });

  test('end where links lead in a circle', () => {
    expect(unpack([link('a', 'b'), link('b', 'a'), file('a/x')])).toContain('/b');
  });

  test('longer than any engine takes are refused', () => {
    const long = `${'d/'.repeat(2100)}x`;
    expect(() => unpack([file(long)])).toThrow(expect.objectContaining({ code: 'LIMIT' }));
  });
});

test('a file replaces a folder with all in it, and a folder a file, but not a folder', () => {
  expect(unpack([file('d/x')], [file('d')])).toEqual(['/d']);
  expect(unpack([file('d')], [folder('d/')])).toEqual(['/d/']);
  expect(unpack([file('d/x')], [folder('d/')])).toEqual(['/d/x']);
});

test('a hard link stays what it was when the other name is replaced', () => {
  const tree = emptyTree();
  const layers = [[file('a'), { name: 'b', type: '1', linkTarget: 'a' }], [file('a')]];
  for (const [position, entries] of layers.entries()) {
    const tar = bytesAccess(buildTar(entries));
    for (const segment of walkTar(tar))
      if (segment.kind === 'header') applyEntry(tree, segment.entry, { position, tar });
  }
  const [a, b] = ['a', 'b'].map((name) => tree.root.children!.get(name)!.inode!);
  expect([a!.layer.position, b!.layer.position]).toEqual([1, 0]);
  expect(b!.entry.path).toBe('a');
});
