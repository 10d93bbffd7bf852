/** `diff` agrees file by file with a comparison of what umoci unpacks both images to. */
import { mkdirSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { diffImages, type ImageDiff, openImage } from '../../src/index.ts';
import { buildImage } from '../fixtures/images.ts';
import { buildTar, type TarEntrySpec } from '../fixtures/layer-tar.ts';
import { writeOciLayout } from '../fixtures/oci-layout.ts';
import { openWorkshop } from '../fixtures/patching.ts';
import { compareListed, hasUmoci, listUnpacked } from '../fixtures/unpacked.ts';

const workshop = openWorkshop();
const realImages = process.env['DIDIFF_IMAGES'];
const options = { tempDirectory: workshop.tempDirectory };

async function diffOf(layout: string, base: string, target: string): Promise<ImageDiff> {
  const images = [base, target].map((ref) => openImage(`oci:${layout}:${ref}`, options));
  const [a, b] = await Promise.all(images);
  try {
    return await diffImages(a!, b!, options);
  } finally {
    await a!.close();
    await b!.close();
  }
}

/** In the words of the other comparison, which knows no moves. */
function wordsOf({ files }: ImageDiff): ReadonlyMap<string, string> {
  return new Map(
    files.changes.flatMap((change): [string, string][] =>
      change.change === 'moved'
        ? [
            [change.from!, 'removed'],
            [change.path, 'added'],
          ]
        : [[change.path, change.aspects.join() || change.change]],
    ),
  );
}

/** `folderTimes` says whether all folders have entries: the time of others is that of the unpacking. */
async function expectAgreement(
  layout: string,
  base: string,
  target: string,
  folderTimes: boolean,
): Promise<void> {
  const directory = workshop.newPath('unpacked');
  mkdirSync(directory);
  const olds = listUnpacked(layout, base, directory);
  const news = listUnpacked(layout, target, directory);
  const isFolder = (name: string) => olds.get(name)?.isFolder === true && news.get(name)?.isFolder === true;
  const shown = (words: ReadonlyMap<string, string>) =>
    [...words].flatMap(([name, aspects]) => {
      const kept = aspects
        .split(',')
        .filter((aspect) => aspect !== 'mtime' || folderTimes || !isFolder(name));
      return kept.length === 0 ? [] : [`${name} ${kept.join()}`];
    });
  const found = wordsOf(await diffOf(layout, base, target));
  expect(shown(found).sort()).toEqual(shown(compareListed(olds, news)).sort());
}

const NAMES = ['a', 'b', 'c', 'a/x', 'a/y', 'b/x', 'b/y/z', 'c/y', 'c/é'];
const path = fc.constantFrom(...NAMES);
const times = fc.constantFrom(1_600_000_000, 1_700_000_000);

/** Entries that every engine unpacks alike: parents come first, and a whiteout before what it makes room for. */
const entry: fc.Arbitrary<TarEntrySpec> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      name: path,
      type: fc.constant('0'),
      mode: fc.constantFrom(0o644, 0o4755),
      uid: fc.constantFrom(0, 1000),
      mtimeSeconds: times,
      content: fc.constantFrom('', 'one', 'two', 'three').map((text) => Buffer.from(text)),
    }),
  },
  fc.record({
    name: path.map((name) => `${name}/`),
    type: fc.constant('5'),
    mode: fc.constantFrom(0o755, 0o700),
    mtimeSeconds: times,
  }),
  fc.record({
    name: path,
    type: fc.constant('2'),
    mtimeSeconds: times,
    linkTarget: fc.constantFrom('nowhere', 'other'),
  }),
  fc.record({ name: path, type: fc.constant('6'), mtimeSeconds: times }),
);
const whiteout = path.map((name): TarEntrySpec => {
  const slash = name.lastIndexOf('/') + 1;
  return { name: `${name.slice(0, slash)}.wh.${name.slice(slash)}`, type: '0' };
});
const opaque = fc
  .constantFrom('a', 'b', 'c')
  .map((name): TarEntrySpec => ({ name: `${name}/.wh..wh..opq`, type: '0' }));

/** With an entry for each folder above: engines refuse a parent that is no folder. */
function withFolders(entries: readonly TarEntrySpec[]): readonly TarEntrySpec[] {
  return entries.flatMap((each) => {
    const names = each.name.replace(/\/$/, '').split('/').slice(0, -1);
    const folders = names.map((_, at) => `${names.slice(0, at + 1).join('/')}/`);
    return [...folders.map((name): TarEntrySpec => ({ name, type: '5', mode: 0o755 })), each];
  });
}

const lowest = fc.array(entry, { maxLength: 8 });
const upper = fc
  .tuple(
    fc.array(whiteout, { maxLength: 2 }),
    fc.array(opaque, { maxLength: 1 }),
    fc.array(entry, { maxLength: 5 }),
  )
  .map((parts) => parts.flat());

describe.runIf(hasUmoci)('a comparison (with umoci, as root)', () => {
  it('of made images agrees', { timeout: 600_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(
        lowest,
        fc.array(upper, { minLength: 1, maxLength: 2 }),
        fc.array(upper, { maxLength: 2 }),
        async (shared, base, target) => {
          const layout = workshop.newPath('layout');
          const layersOf = (own: readonly TarEntrySpec[][]) =>
            [shared, ...own].map((entries) => ({ tar: buildTar(withFolders(entries)) }));
          writeOciLayout(layout, [
            { image: buildImage({ seed: 1, layers: layersOf(base) }), ref: 'base' },
            { image: buildImage({ seed: 2, layers: layersOf(target) }), ref: 'target' },
          ]);
          await expectAgreement(layout, 'base', 'target', false);
        },
      ),
      { numRuns: 15, seed: 6, endOnFailure: true },
    );
  });

  it('of links, devices, attributes, and what they are replaced by, agrees', async () => {
    const text = (name: string, content: string, more: Partial<TarEntrySpec> = {}): TarEntrySpec => ({
      name,
      type: '0',
      content: Buffer.from(content),
      ...more,
    });
    const hard = (name: string, linkTarget: string): TarEntrySpec => ({ name, type: '1', linkTarget });
    const symbolic = (name: string, linkTarget: string): TarEntrySpec => ({ name, type: '2', linkTarget });
    const folder = (name: string): TarEntrySpec => ({ name, type: '5', mode: 0o755 });
    const shared = [
      folder('./'),
      folder('d/'),
      folder('e/'),
      symbolic('link', 'd'),
      text('d/one', '1'),
      text('d/two', '2'),
    ];
    const xattr = (value: string) => ({ pax: { 'SCHILY.xattr.user.note': value, mtime: '1700000000.25' } });
    const old = [
      hard('e/one', 'd/one'),
      hard('e/again', 'e/one'),
      text('capable', 'x', xattr('a')),
      text('link/old', 'o'),
    ];
    const next = [
      hard('b', 'd/two'),
      text('d/one', '1'),
      hard('e/one', 'd/one'),
      text('capable', 'x', xattr('b')),
      symbolic('e/again', 'one'),
      text('link/new', 'n'),
      text('link', 'no longer'),
      { name: 'null', type: '3' },
    ];
    const layout = workshop.newPath('layout');
    const image = (seed: number, own: readonly TarEntrySpec[]) =>
      buildImage({ seed, layers: [shared, own].map((entries) => ({ tar: buildTar(entries) })) });
    writeOciLayout(layout, [
      { image: image(1, old), ref: 'base' },
      { image: image(2, next), ref: 'target' },
    ]);
    await expectAgreement(layout, 'base', 'target', false);
    const { files } = await diffOf(layout, 'base', 'target');
    expect(files.changes.map(({ path, change }) => `${change} ${path}`)).toEqual([
      'added /b',
      'metadata /capable',
      'added /d/new',
      'removed /d/old',
      'changed /e/again',
      'changed /link',
      'added /null',
    ]);
  });

  it.runIf(realImages !== undefined)('of real images agrees (with DIDIFF_IMAGES)', async () => {
    await expectAgreement(realImages!, 'debian-slim-old', 'debian-slim-new', true);
  });
});
