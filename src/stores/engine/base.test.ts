import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Digest } from '../../bytes/digest.ts';
import { chooseClosest } from './base.ts';
import type { LayeredImage } from './images.ts';

const digest = (letter: string): Digest => `sha256:${letter.repeat(64)}`;
const image = (id: string, layers: string, more: Partial<LayeredImage> = {}): LayeredImage => ({
  id: digest(id),
  names: [],
  created: 0,
  incomplete: [],
  diffIds: [...layers].map(digest),
  platform: { os: 'linux', architecture: 'amd64' },
  ...more,
});
const choose = (images: readonly LayeredImage[], needed: string) =>
  chooseClosest(images, [...needed].map(digest));

test('no images, no choice', () => {
  expect(choose([], 'a')).toBeUndefined();
});

test('the one with the most needed layers is chosen, and what it lacks is told in the order of need', () => {
  const chosen = choose([image('1', 'ab'), image('2', 'abce'), image('3', 'd')], 'dcba');
  expect(chosen?.id).toBe(digest('2'));
  expect(chosen?.missing).toEqual([digest('d')]);
});

test('of equals one with a name goes first, then the newest, then the first by ID', () => {
  const named = { names: ['x:1'] };
  expect(choose([image('1', 'a', { created: 9 }), image('2', 'a', named)], 'a')?.id).toBe(digest('2'));
  expect(choose([image('1', 'a', { created: 1 }), image('2', 'a', { created: 2 })], 'a')?.id).toBe(
    digest('2'),
  );
  expect(choose([image('2', 'a'), image('1', 'a')], 'a')?.id).toBe(digest('1'));
});

test('the choice does not depend on the order of the list', () => {
  const ids = fc.uniqueArray(fc.constantFrom(...'0123456789abcdef'), { maxLength: 8 });
  const layers = fc.array(fc.constantFrom(...'abcd')).map((all) => all.join(''));
  const images = ids.chain((all) =>
    fc.tuple(
      ...all.map((id) =>
        fc
          .tuple(layers, fc.boolean(), fc.integer({ min: 0, max: 2 }))
          .map(([has, named, created]) => image(id, has, { created, names: named ? ['n:1'] : [] })),
      ),
    ),
  );
  fc.assert(
    fc.property(images, layers, (list, needed) => {
      expect(choose([...list].reverse(), needed)).toEqual(choose(list, needed));
    }),
  );
});
