import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { buildTar } from '../../test/fixtures/layer-tar.ts';
import { seededBytes } from '../../test/fixtures/random.ts';
import { bytesAccess, type RandomAccess } from '../bytes/access.ts';
import { sha256 } from '../bytes/digest.ts';
import { walkTar } from '../tar/walk.ts';
import { catalogBase, PIECE_BYTES } from './catalog.ts';
import { surveyLayer } from './survey.ts';

const scratch = [new Uint8Array(PIECE_BYTES), new Uint8Array(PIECE_BYTES)] as const;
const OLD = seededBytes(1, 900);
const files = Array.from({ length: 8 }, (_, at) => ({
  name: `file-${at}`,
  content: seededBytes(10 + at, 400),
}));
const md5 = (content: Uint8Array) => createHash('md5').update(content).digest('hex');
const listOf = (name: string, all: readonly { readonly content: Uint8Array }[]) => ({
  name,
  content: Buffer.from(all.map(({ content }) => `${md5(content)}  x\n`).join('')),
});

/** The names of the files that get digests, and those that the base has, when a layer of these is surveyed. */
async function survey(
  all: readonly { readonly name: string; readonly content: Uint8Array }[],
  listsDigests = true,
): Promise<{ readonly marked: readonly string[]; readonly same: readonly string[] }> {
  const base = bytesAccess(buildTar([{ name: 'old', type: '0', content: OLD }]));
  const tick = async () => {};
  const catalog = await catalogBase(base, [{ diffId: sha256(new Uint8Array(0)), content: base }], tick);
  const tar = bytesAccess(buildTar(all.map((file) => ({ ...file, type: '0' }))));
  const { marks, same } = await surveyLayer(tar, { catalog, listsDigests, tick, scratch });
  const names = (offsets: Iterable<number>) =>
    [...offsets].map((offset) => {
      for (const segment of walkTar(tar))
        if (segment.kind === 'content' && segment.offset === offset) return segment.entry.path;
      throw new Error(`no file at ${offset}`);
    });
  return { marked: names(marks.keys()), same: names(same.keys()) };
}

test('files that are listed behind them get digests, and no others', async () => {
  const [first, second, ...rest] = files;
  const list = listOf('list', [second!, ...rest]);
  expect((await survey([first!, second!, list, ...rest])).marked).toEqual([]);
  expect((await survey([first!, second!, ...rest, list])).marked).toEqual(
    [second!, ...rest].map(({ name }) => name),
  );
  expect((await survey([first!, second!, ...rest, list], false)).marked).toEqual([]);
});

test('a digest that saves less than its feature costs is not asked for', async () => {
  const [only] = files;
  expect((await survey([only!, listOf('list', [only!])])).marked).toEqual([]);
});

test('of files with one content the first gets a digest, and what the base has gets none', async () => {
  const twins = files.map(({ content }, at) => ({ name: `twin-${at}`, content }));
  const old = { name: 'moved', content: OLD };
  const { marked, same } = await survey([...files, old, ...twins, listOf('list', [...files, old])]);
  expect(marked).toEqual(files.map(({ name }) => name));
  expect(same).toEqual(['moved']);
});

test('binary files are no lists', async () => {
  const list = listOf('list', files);
  const binary = { name: 'list', content: Buffer.concat([Buffer.alloc(1), list.content]) };
  expect((await survey([...files, binary])).marked).toEqual([]);
});

test('small files are compared with those of the base by few reads', async () => {
  const tar = buildTar(
    Array.from({ length: 400 }, (_, at) => ({ name: `${at}`, type: '0', content: seededBytes(at, 300) })),
  );
  let reads = 0;
  const counted: RandomAccess = {
    sizeBytes: tar.length,
    readAt(position, into) {
      reads++;
      bytesAccess(tar).readAt(position, into);
    },
  };
  const tick = async () => {};
  const catalog = await catalogBase(counted, [{ diffId: sha256(tar), content: counted }], tick);
  reads = 0;
  const { same } = await surveyLayer(counted, { catalog, listsDigests: true, tick, scratch });
  expect(same.size).toBe(400);
  expect(reads).toBeLessThan(100);
});
