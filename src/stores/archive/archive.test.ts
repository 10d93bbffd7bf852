/** Reading `docker save` archives: which image is meant, and what is taken for its manifest. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import {
  type ArchivedImage,
  type ArchiveLayout,
  dockerArchiveEntries,
} from '../../../test/fixtures/docker-archive.ts';
import { buildImage, buildIndex, storeAsZstd } from '../../../test/fixtures/images.ts';
import { buildTar, type TarEntrySpec } from '../../../test/fixtures/layer-tar.ts';
import { digestHex, shortDigest } from '../../bytes/digest.ts';
import { rawDocument } from '../../image/manifest.ts';
import type { OpenedImage, OpenOptions } from '../../image/store.ts';
import { openDockerArchive } from './open.ts';

const root = mkdtempSync(join(tmpdir(), 'didiff-archive-'));
const options: OpenOptions = { tempDirectory: join(root, 'scratch') };
afterAll(() => rmSync(root, { recursive: true, force: true }));

const one = buildImage({ seed: 1, layers: [{}, { files: 3 }] });
const two = buildImage({ seed: 2, layers: [{ seed: 1 }, { files: 5 }] });
const arm = buildImage({ seed: 3, layers: [{}], platform: 'linux/arm64/v8' });
const LAYOUTS: readonly ArchiveLayout[] = ['legacy', 'classic', 'containerd'];

describe('an archive of several images', () => {
  const archived: readonly ArchivedImage[] = [
    { image: one, names: ['app:1', 'app:latest'] },
    { image: two, names: ['registry.example/app:2'] },
    { image: arm },
  ];
  const selectors: readonly (readonly [string, typeof one])[] = [
    ['app:1', one],
    ['app', one],
    ['docker.io/library/app:1', one],
    ['registry.example/app:2', two],
    [one.config.digest, one],
    [digestHex(two.config.digest), two],
    [shortDigest(arm.config.digest), arm],
    [`sha256:${shortDigest(arm.config.digest)}`, arm],
    ['@2', arm],
  ];
  for (const layout of LAYOUTS) {
    it.each(selectors)(`(${layout}) opens %s`, async (selector, image) => {
      await expectOpens(archive(archived, layout), selector, image.config.digest);
    });
  }

  it('is ambiguous without a name: the error lists what is there', async () => {
    await expect(openTar(archive(archived, 'legacy'))).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('holds several images'),
      hint: expect.stringMatching(
        /app:1 = app:latest \([0-9a-f]{12}, linux\/amd64\).*untagged \(.*linux\/arm64/,
      ),
    });
  });

  it('says what is there when it lacks a name, an index or an ID', async () => {
    for (const selector of ['app:3', '@3', 'ffffffffffff', 'Not A Name', '../..']) {
      await expect(openTar(archive(archived, 'classic'), selector)).rejects.toMatchObject({
        code: 'NOT_FOUND',
        hint: expect.stringContaining('registry.example/app:2'),
      });
    }
  });

  it('lists the candidates of an ambiguous prefix', async () => {
    const many = Array.from({ length: 20 }, (_, seed) => ({
      image: buildImage({ seed: 50 + seed, layers: [] }),
    }));
    const first = many.map(({ image }) => digestHex(image.config.digest)[0]!);
    const shared = first.find((digit, at) => first.indexOf(digit) !== at)!;
    await expect(openTar(archive(many, 'legacy'), shared)).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('opens the one image of two lists with the same config', async () => {
    const twice = [
      { image: one, names: ['a:1'] },
      { image: one, names: ['b:1'] },
    ];
    await expectOpens(archive(twice, 'classic'), undefined, one.config.digest);
  });
});

describe('the platform of an archive', () => {
  it('decides between images of one name', async () => {
    const bytes = archive(
      [
        { image: one, names: ['app:1'] },
        { image: arm, names: ['app:1'] },
      ],
      'containerd',
    );
    const platform = { os: 'linux', architecture: 'arm64' };
    await expectOpens(bytes, 'app:1', arm.config.digest, { ...options, platform });
  });

  it('is checked when it is asked for', async () => {
    const platform = { os: 'linux', architecture: 'riscv64' };
    await expect(
      openTar(archive([{ image: one }], 'legacy'), undefined, { ...options, platform }),
    ).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('linux/riscv64'),
      hint: expect.stringContaining('linux/amd64'),
    });
  });
});

describe("an archive's manifest", () => {
  it("is the image's own, with its index, in the save of a containerd store", async () => {
    const index = buildIndex([one, arm]);
    const opened = await openTar(archive([{ image: one, names: ['app:1'], index }], 'containerd'));
    const metadata = await opened.readMetadata(options);
    expect(metadata.manifest?.digest).toBe(one.manifest.digest);
    expect(metadata.index?.digest).toBe(index.index.digest);
    expect(opened.hasBlobs).toBe(true);
    await opened.close();
  });

  it('is not taken from the save of a classic engine, which makes one up', async () => {
    const opened = await openTar(archive([{ image: one }], 'classic'));
    expect((await opened.readMetadata(options)).manifest).toBeUndefined();
    expect(opened.hasBlobs).toBe(false);
    await opened.close();
  });

  it('is the own one of a containerd store also over uncompressed layers', async () => {
    const made = buildImage({ seed: 9, layers: [{ compression: 'none' }] });
    const text = Buffer.from(made.manifest.bytes)
      .toString()
      .replace('{', '{"annotations":{"by":"a builder"},');
    const plain = { ...made, manifest: rawDocument(Buffer.from(text), made.manifest.mediaType) };
    const opened = await openTar(archive([{ image: plain }], 'containerd'));
    expect((await opened.readMetadata(options)).manifest?.digest).toBe(plain.manifest.digest);
    await opened.close();
  });

  it('is passed over when it is an attestation, a signature or not there', async () => {
    const index = buildIndex([one, arm]);
    const entries = dockerArchiveEntries([{ image: one, index }], 'containerd').filter(
      ({ name }) => !name.endsWith(digestHex(arm.manifest.digest)),
    );
    await expectOpens(buildTar(entries), undefined, one.config.digest);
  });
});

describe('an archive compressed as a whole', () => {
  const bytes = archive([{ image: one }], 'legacy');
  it('is unpacked when it is gzip or zstd', async () => {
    await expectOpens(gzipSync(bytes), undefined, one.config.digest);
    await expectOpens(storeAsZstd(bytes), undefined, one.config.digest);
    expect(readdirSync(options.tempDirectory)).toEqual([]);
  });

  it('is refused by the name of another compression', async () => {
    const xz = Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0);
    await expect(openTar(xz)).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      hint: expect.stringContaining('xz -d'),
    });
    await expect(openTar(Buffer.from('BZh91AY'))).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('is CORRUPT_INPUT when it is cut', async () => {
    const packed = gzipSync(bytes);
    await expect(openTar(packed.subarray(0, packed.length >> 1))).rejects.toMatchObject({
      code: 'CORRUPT_INPUT',
    });
  });
});

describe('what is no docker archive', () => {
  const cases: readonly (readonly [string, Uint8Array, string, RegExp])[] = [
    ['an empty file', new Uint8Array(0), 'CORRUPT_INPUT', /cut short/],
    ['text', Buffer.from('hello\n'.repeat(200)), 'CORRUPT_INPUT', /no whole tar/],
    ['an empty tar', new Uint8Array(10240), 'CORRUPT_INPUT', /no manifest\.json/],
    [
      'a root file system',
      buildTar([{ name: 'etc/passwd', type: '0' }]),
      'CORRUPT_INPUT',
      /no manifest\.json/,
    ],
    ['a layout', buildTar([json('index.json', { manifests: [] })]), 'UNSUPPORTED', /OCI layout/],
    ['an ancient save', buildTar([json('repositories', {})]), 'UNSUPPORTED', /before 1\.10/],
  ];
  it.each(cases)('%s is told apart', async (_, bytes, code, message) => {
    await expect(openTar(bytes)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('is NOT_FOUND when nothing is there, and USAGE when it is a directory', async () => {
    await expect(openDockerArchive(join(root, 'none'), undefined, options)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    await expect(openDockerArchive(root, undefined, options)).rejects.toMatchObject({ code: 'USAGE' });
  });
});

async function expectOpens(
  bytes: Uint8Array,
  selector: string | undefined,
  config: string,
  openOptions = options,
): Promise<void> {
  const opened = await openTar(bytes, selector, openOptions);
  expect((await opened.readMetadata(options)).config.digest).toBe(config);
  await opened.openTars([...opened.diffIds.keys()], options);
  await opened.close();
}

async function openTar(bytes: Uint8Array, selector?: string, openOptions = options): Promise<OpenedImage> {
  const path = join(root, 'archive.tar');
  writeFileSync(path, bytes);
  return openDockerArchive(path, selector, openOptions);
}

function archive(images: readonly ArchivedImage[], layout: ArchiveLayout): Uint8Array {
  return buildTar(dockerArchiveEntries(images, layout));
}

function json(name: string, value: unknown): TarEntrySpec {
  return { name, type: '0', content: Buffer.from(JSON.stringify(value)) };
}
