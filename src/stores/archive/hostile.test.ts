/** What damaged and hostile archives lead to: an image that is proved, or an error that says what is wrong. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { dockerArchiveEntries } from '../../../test/fixtures/docker-archive.ts';
import { buildImage, buildIndex } from '../../../test/fixtures/images.ts';
import { buildTar, type TarEntrySpec } from '../../../test/fixtures/layer-tar.ts';
import { bytesAccess } from '../../bytes/access.ts';
import { digestHex, sha256 } from '../../bytes/digest.ts';
import { DidiffError } from '../../errors.ts';
import type { OpenedImage, OpenOptions } from '../../image/store.ts';
import { openArchiveEntries, openDockerArchive } from './open.ts';
import { parseArchive } from './parse.ts';

const root = mkdtempSync(join(tmpdir(), 'didiff-hostile-'));
const options: OpenOptions = { tempDirectory: join(root, 'scratch') };
afterAll(() => rmSync(root, { recursive: true, force: true }));

const one = buildImage({ seed: 1, layers: [{}, { files: 3 }] });

describe('a hostile archive', () => {
  const config = json('c.json', JSON.parse(Buffer.from(one.config.bytes).toString()));
  const layer = (name: string, at = 0): TarEntrySpec => ({ name, type: '0', content: one.layers[at]!.tar });
  const manifest = (change: object) =>
    json('manifest.json', [{ Config: 'c.json', Layers: ['a', 'b'], ...change }]);

  const liars: readonly (readonly [string, readonly TarEntrySpec[], RegExp])[] = [
    ['a config that is not there', [manifest({ Config: 'x.json' })], /config "x.json" is not in the archive/],
    ['a config outside of it', [config, manifest({ Config: '../../etc/passwd' })], /is not in the archive/],
    ['no config at all', [manifest({ Config: undefined })], /no Config/],
    ['a config that is a number', [manifest({ Config: 7 })], /no Config/],
    [
      'fewer layers than its config',
      [config, manifest({ Layers: ['a'] })],
      /lists 1 layers; its config has 2/,
    ],
    ['layers that are no list', [config, manifest({ Layers: 'a' })], /Layers is not a list/],
    ['names that are no strings', [config, manifest({ RepoTags: [{}] })], /RepoTags is not a list/],
    ['no list', [json('manifest.json', { Config: 'c.json' })], /not a list of images/],
    ['null', [json('manifest.json', [null])], /no Config/],
    ['no JSON', [{ name: 'manifest.json', type: '0', content: Buffer.from('[{') }], /not JSON/],
    ['a config that is no JSON', [{ ...config, content: Buffer.from('{') }, manifest({})], /not JSON/],
    [
      'a config that is not what its name says',
      [{ ...config, name: `${'0'.repeat(64)}.json` }, manifest({ Config: `${'0'.repeat(64)}.json` })],
      /is damaged: its digest is/,
    ],
    [
      'a manifest.json that links to itself',
      [{ name: 'manifest.json', type: '2', linkTarget: 'manifest.json' }],
      /no manifest/,
    ],
  ];
  it.each(liars)('whose manifest.json has %s is CORRUPT_INPUT', async (_, entries, message) => {
    await expect(openTar(buildTar(entries))).rejects.toMatchObject({
      code: 'CORRUPT_INPUT',
      message: expect.stringMatching(message),
    });
  });

  const layerNames: readonly (readonly [string, readonly TarEntrySpec[]])[] = [
    ['links in a circle', [link('a', 'c'), link('c', 'a')]],
    ['links to itself', [link('a', 'a')]],
    ['links outside', [link('a', '../../../etc/passwd')]],
    ['links to an absolute path', [link('a', '/etc/passwd')]],
    ['is a directory', [{ name: 'a/', type: '5' }]],
    ['is a device', [{ name: 'a', type: '3' }]],
    ['is not there', []],
    [
      'is at the end of a long chain of links',
      Array.from({ length: 50 }, (_, at) => link(`${at || 'a'}`, `${at + 1}`)),
    ],
  ];
  it.each(layerNames)('whose layer %s opens, and that layer is NOT_FOUND', async (_, entries) => {
    const opened = await openTar(buildTar([config, manifest({}), ...entries, layer('b', 1)]));
    await expect(opened.openTars([0], options)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('layer 0'),
    });
    await opened.close();
  });

  it('has its layers found through symbolic and hard links, and odd spellings of names', async () => {
    const entries = [
      layer('./x//one.tar'),
      link('y/a', '../x/one.tar'),
      { name: './b', type: '1', linkTarget: 'z/../two' },
      layer('two', 1),
      config,
      manifest({ Layers: ['y/./a', 'b'] }),
    ];
    const opened = await openTar(buildTar(entries));
    expect(await opened.openTars([0, 1], options)).toHaveLength(2);
    await opened.close();
  });

  it('that has a name twice is read as docker load reads it: the last counts', async () => {
    const opened = await openTar(
      buildTar([config, layer('a', 1), layer('b'), manifest({}), layer('a'), layer('b', 1)]),
    );
    expect(await opened.openTars([0, 1], options)).toHaveLength(2);
    await opened.close();
  });

  it('whose layer has other bytes is CORRUPT_INPUT, by the number of the layer', async () => {
    const opened = await openTar(buildTar([config, manifest({}), layer('a'), layer('b', 0)]));
    expect(await opened.openTars([0], options)).toHaveLength(1);
    await expect(opened.openTars([1], options)).rejects.toMatchObject({
      code: 'CORRUPT_INPUT',
      message: expect.stringContaining('layer 1'),
    });
    await opened.close();
  });

  it('whose blob is not what its manifest says is CORRUPT_INPUT', async () => {
    const entries = dockerArchiveEntries([{ image: one }], 'containerd').map((entry) =>
      entry.name.endsWith(digestHex(one.layers[1]!.blob.digest))
        ? { ...entry, content: gzipSync(one.layers[1]!.tar, { level: 1 }) }
        : entry,
    );
    const opened = await openTar(buildTar(entries));
    await expect(opened.openBlobs([1], options)).rejects.toMatchObject({ code: 'CORRUPT_INPUT' });
    await expect(opened.openTars([1], options)).rejects.toMatchObject({ code: 'CORRUPT_INPUT' });
    await opened.close();
  });

  it('with a huge document is refused before it is read', () => {
    const entries = [
      { name: 'manifest.json', type: 'file' as const, offset: 0, sizeBytes: 2 ** 50, linkTarget: '' },
    ];
    const access = { sizeBytes: 2 ** 51, readAt: () => expect.unreachable() };
    expect(() => parseArchive({ name: 'x', entries, access })).toThrow(
      expect.objectContaining({ code: 'LIMIT' }),
    );
  });

  it('whose entries lie outside of it is CORRUPT_INPUT', () => {
    const entries = [
      { name: 'manifest.json', type: 'file' as const, offset: 600, sizeBytes: 100, linkTarget: '' },
    ];
    const content = { name: 'x', entries, access: bytesAccess(new Uint8Array(512)) };
    expect(() => openArchiveEntries(content, undefined, options, () => {})).toThrow(
      /cut short inside of manifest/,
    );
  });

  it('whose indexes hold each other over and over ends', async () => {
    const leaf = buildIndex([one]);
    const blob = (content: Uint8Array) => ({
      name: `blobs/sha256/${digestHex(sha256(content))}`,
      type: '0',
      content,
    });
    let inner = leaf.index;
    const blobs: TarEntrySpec[] = [];
    for (let depth = 0; depth < 6; depth++) {
      blobs.push(blob(inner.bytes));
      const descriptor = { mediaType: inner.mediaType, digest: inner.digest, size: inner.bytes.length };
      const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: Array(100).fill(descriptor) }));
      inner = { bytes, digest: sha256(bytes), mediaType: inner.mediaType };
    }
    const entries = dockerArchiveEntries([{ image: one }], 'classic').filter(
      ({ name }) => name !== 'index.json',
    );
    const index = { name: 'index.json', type: '0', content: inner.bytes };
    const opened = await openTar(buildTar([...entries, ...blobs, index]));
    expect(opened.diffIds).toEqual(one.layers.map((layer) => layer.diffId));
    await opened.close();
  });

  it('is CORRUPT_INPUT or NOT_FOUND wherever it is cut', async () => {
    const bytes = buildTar(dockerArchiveEntries([{ image: one }], 'containerd'));
    for (let cut = 0; cut < bytes.length - 1024; cut += 509) {
      await expectCode(bytes.subarray(0, cut), ['CORRUPT_INPUT', 'NOT_FOUND']);
    }
  });

  it('gives an image that is proved or an error of didiff, whatever byte of it is changed', async () => {
    const small = buildImage({ seed: 5, layers: [{ files: 1, fileBytes: 100 }] });
    const bytes = buildTar(dockerArchiveEntries([{ image: small }], 'containerd'));
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.nat(255), async (at, to) => {
        const changed = Uint8Array.from(bytes);
        changed[at] = to;
        await expectCode(changed, ['CORRUPT_INPUT', 'NOT_FOUND', 'UNSUPPORTED', 'LIMIT']);
      }),
      { numRuns: 400 },
    );
  });
});

/** Opens it with all its layers: that works, or fails with one of `codes`. */
async function expectCode(bytes: Uint8Array, codes: readonly string[]): Promise<void> {
  let opened: OpenedImage | undefined;
  try {
    opened = await openTar(bytes);
    await opened.openTars([...opened.diffIds.keys()], options);
  } catch (error) {
    if (!(error instanceof DidiffError)) throw error;
    expect(codes).toContain(error.code);
  } finally {
    await opened?.close();
  }
}

async function openTar(bytes: Uint8Array): Promise<OpenedImage> {
  const path = join(root, 'archive.tar');
  writeFileSync(path, bytes);
  return openDockerArchive(path, undefined, options);
}

function json(name: string, value: unknown): TarEntrySpec {
  return { name, type: '0', content: Buffer.from(JSON.stringify(value)) };
}

function link(name: string, linkTarget: string): TarEntrySpec {
  return { name, type: '2', linkTarget };
}
