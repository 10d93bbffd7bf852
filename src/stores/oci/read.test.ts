/** Reading OCI layouts: names, platforms, and layouts that are damaged or hostile. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { buildImage, buildIndex, descriptor, json } from '../../../test/fixtures/images.ts';
import {
  type LayoutEntry,
  ociLayoutFiles,
  tarOfFiles,
  writeFiles,
} from '../../../test/fixtures/oci-layout.ts';
import { digestHex, type sha256, shortDigest } from '../../bytes/digest.ts';
import { hostPlatform, parsePlatform } from '../../image/platform.ts';
import type { OpenedImage, OpenOptions } from '../../image/store.ts';
import { openOciArchive, openOciLayout } from './open.ts';

const root = mkdtempSync(join(tmpdir(), 'didiff-oci-'));
const options: OpenOptions = { tempDirectory: root };
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

const host = hostPlatform(process.arch, process.platform);
const other = host.architecture === 's390x' ? 'linux/ppc64le' : 'linux/s390x';
const here = buildImage({ seed: 1, layers: [{}, {}], platform: `linux/${host.architecture}` });
const there = buildImage({ seed: 10, layers: [{}], platform: other });
const arm = buildImage({ seed: 20, layers: [{}], platform: 'linux/arm64/v8' });
const index = buildIndex([there, here]);

describe('a name in an OCI layout', () => {
  const entries: readonly LayoutEntry[] = [
    { image: here, ref: 'v1' },
    { image: there, ref: 'nginx:1.25' },
    { image: arm, ref: '2', annotations: { 'io.containerd.image.name': 'docker.io/library/app:2' } },
    { index, ref: 'multi' },
  ];
  const cases: readonly (readonly [string, typeof here])[] = [
    ['v1', here],
    ['nginx:1.25', there],
    ['docker.io/library/nginx:1.25', there],
    ['2', arm],
    ['app:2', arm],
    ['docker.io/library/app:2', arm],
    [there.manifest.digest, there],
    [shortDigest(arm.manifest.digest), arm],
    ['multi', here],
    [index.index.digest, here],
  ];
  it.each(cases)('%s finds its image', async (ref, image) => {
    await expectOpens(entries, ref, image.manifest.digest);
  });

  it('is needed where there are several images: the error lists them', async () => {
    await expect(open(entries)).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringMatching(/v1 \(.*nginx:1\.25 \(.*docker\.io\/library\/app:2 \(.*multi \(/),
    });
  });

  it('is not needed where there is one', async () => {
    await expectOpens([{ image: here }], undefined, here.manifest.digest);
    await expectOpens(
      [
        { image: here, ref: 'a' },
        { image: here, ref: 'b' },
      ],
      undefined,
      here.manifest.digest,
    );
  });

  it('that is not there is NOT_FOUND, with those that are', async () => {
    for (const ref of ['v2', '1.25', 'toString', '../v1', 'ffff']) {
      await expect(open(entries, ref)).rejects.toMatchObject({
        code: 'NOT_FOUND',
        hint: expect.stringContaining('nginx:1.25'),
      });
    }
    await expect(open([], 'v1')).rejects.toMatchObject({
      message: expect.stringContaining('holds no image'),
    });
  });

  it("that is one image's whole name and another's tag means the former", async () => {
    const tagged = { 'io.containerd.image.name': 'docker.io/library/other:v1' };
    await expectOpens(
      [{ image: there, ref: 'v1', annotations: tagged }, ...entries],
      'v1',
      here.manifest.digest,
    );
  });

  it('finds a manifest inside of an index by its digest', async () => {
    await expectOpens([{ index, ref: 'multi' }], there.manifest.digest, there.manifest.digest);
  });

  it('works the same in an archive, also a compressed one', async () => {
    const tar = tarOfFiles(ociLayoutFiles(entries));
    for (const [name, bytes] of [
      ['a.tar', tar],
      ['a.tar.gz', gzipSync(tar)],
    ] as const) {
      const path = join(root, name);
      writeFileSync(path, bytes);
      const opened = await openOciArchive(path, 'nginx:1.25', options);
      expect((await opened.readMetadata(options)).manifest?.digest).toBe(there.manifest.digest);
      await opened.close();
    }
  });
});

describe('an index', () => {
  it('leads to the image of this machine, and is kept', async () => {
    const opened = await open([{ index }]);
    const metadata = await opened.readMetadata(options);
    expect(metadata.manifest?.digest).toBe(here.manifest.digest);
    expect(metadata.index?.digest).toBe(index.index.digest);
    await opened.close();
  });

  it('leads to the platform that is asked for', async () => {
    await expectOpens([{ index }], undefined, there.manifest.digest, other);
  });

  it('takes arm64 and arm64/v8 for the same', async () => {
    const withArm = buildIndex([there, arm]);
    for (const platform of ['linux/arm64', 'linux/arm64/v8']) {
      await expectOpens([{ index: withArm }], undefined, arm.manifest.digest, platform);
    }
  });

  it('without the platform names those that are there, and no attestation', async () => {
    const opening = open([{ index: buildIndex([there]) }]);
    await expect(opening).rejects.toMatchObject({ code: 'NOT_FOUND', data: { platforms: [other] } });
    await expect(opening).rejects.toThrow(/has no image for/);
  });

  it('inside of an index is followed', async () => {
    const outer = json(index.index.mediaType, { schemaVersion: 2, manifests: [descriptor(index.index)] });
    const files = ociLayoutFiles([{ index }]);
    files.set(`blobs/sha256/${digestHex(outer.digest)}`, outer.bytes);
    files.set(
      'index.json',
      Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [descriptor(outer)] })),
    );
    const opened = await openFiles(files);
    expect((await opened.readMetadata(options)).manifest?.digest).toBe(here.manifest.digest);
    expect((await opened.readMetadata(options)).index?.digest).toBe(outer.digest);
    await opened.close();
  });

  it('may lack the images of other platforms', async () => {
    const files = ociLayoutFiles([{ index }]);
    for (const layer of there.layers) files.delete(`blobs/sha256/${digestHex(layer.blob.digest)}`);
    files.delete(`blobs/sha256/${digestHex(there.manifest.digest)}`);
    const opened = await openFiles(files);
    expect(await opened.openBlobs([0, 1], options)).toHaveLength(2);
    await opened.close();
    await expect(openFiles(files, undefined, other)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(there.manifest.digest),
    });
  });

  it('may be index.json itself: entries of one name, told apart by platform', async () => {
    await expectOpens([{ image: there }, { image: here }], undefined, here.manifest.digest);
    await expectOpens(
      [
        { image: there, ref: 'a' },
        { image: here, ref: 'a' },
      ],
      'a',
      there.manifest.digest,
      other,
    );
  });
});

describe('an image named directly', () => {
  it('is opened for whatever platform it is', async () => {
    await expectOpens([{ image: there }], undefined, there.manifest.digest);
  });

  it('is checked when a platform is asked for', async () => {
    await expect(open([{ image: there }], undefined, 'linux/riscv64')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining(`is for ${other}, not for linux/riscv64`),
    });
  });
});

async function openFiles(
  files: ReadonlyMap<string, Uint8Array>,
  ref?: string,
  platform?: string,
): Promise<OpenedImage> {
  const directory = join(root, `layout-${count++}`);
  mkdirSync(directory);
  writeFiles(directory, files);
  return openOciLayout(directory, ref, {
    ...options,
    ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
  });
}

function open(entries: readonly LayoutEntry[], ref?: string, platform?: string): Promise<OpenedImage> {
  return openFiles(ociLayoutFiles(entries), ref, platform);
}

async function expectOpens(
  entries: readonly LayoutEntry[],
  ref: string | undefined,
  manifest: ReturnType<typeof sha256>,
  platform?: string,
): Promise<void> {
  const opened = await open(entries, ref, platform);
  expect((await opened.readMetadata(options)).manifest?.digest).toBe(manifest);
  await opened.openTars([...opened.diffIds.keys()], options);
  await opened.close();
}
