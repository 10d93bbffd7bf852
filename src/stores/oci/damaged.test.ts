/** What damaged and hostile OCI layouts lead to. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { buildImage, buildIndex, descriptor, json } from '../../../test/fixtures/images.ts';
import { ociLayoutFiles, tarOfFiles, writeFiles } from '../../../test/fixtures/oci-layout.ts';
import { digestHex } from '../../bytes/digest.ts';
import { DidiffError } from '../../errors.ts';
import { OCI_MANIFEST } from '../../image/media-types.ts';
import { hostPlatform } from '../../image/platform.ts';
import type { OpenedImage, OpenOptions } from '../../image/store.ts';
import { openOciArchive, openOciLayout } from './open.ts';

const root = mkdtempSync(join(tmpdir(), 'didiff-oci-'));
const options: OpenOptions = { tempDirectory: root };
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

const host = hostPlatform(process.arch, process.platform);
const here = buildImage({ seed: 1, layers: [{}, {}], platform: `linux/${host.architecture}` });
const index = buildIndex([here]);

describe('a damaged layout', () => {
  const manifestPath = `blobs/sha256/${digestHex(here.manifest.digest)}`;
  const configPath = `blobs/sha256/${digestHex(here.config.digest)}`;
  const layerPath = `blobs/sha256/${digestHex(here.layers[1]!.blob.digest)}`;
  const changed = (bytes: Uint8Array) => Uint8Array.from(bytes, (byte, at) => (at === 40 ? byte ^ 1 : byte));

  const cases: readonly (readonly [string, string, Uint8Array | undefined, string, RegExp])[] = [
    ['a manifest of other bytes', manifestPath, changed(here.manifest.bytes), 'CORRUPT_INPUT', /is damaged/],
    ['a manifest of another size', manifestPath, Buffer.from('{}'), 'CORRUPT_INPUT', /has 2 bytes; expected/],
    ['no manifest', manifestPath, undefined, 'NOT_FOUND', /not in the layout/],
    ['a config of other bytes', configPath, changed(here.config.bytes), 'CORRUPT_INPUT', /is damaged/],
    ['no config', configPath, undefined, 'NOT_FOUND', /not in the layout/],
    ['a layer of other bytes', layerPath, changed(here.layers[1]!.blob.bytes), 'CORRUPT_INPUT', /layer 1/],
    [
      'a cut layer',
      layerPath,
      here.layers[1]!.blob.bytes.subarray(1),
      'CORRUPT_INPUT',
      /layer 1 .*has \d+ bytes/,
    ],
    ['no layer', layerPath, undefined, 'NOT_FOUND', /layer 1 .*sha256:[0-9a-f]{64}, is not in the layout/],
    ['no index.json', 'index.json', undefined, 'CORRUPT_INPUT', /no index\.json/],
    ['an index.json without manifests', 'index.json', Buffer.from('{}'), 'CORRUPT_INPUT', /manifests is not/],
    ['an index.json that is cut', 'index.json', Buffer.from('{"manifests":['), 'CORRUPT_INPUT', /not JSON/],
    ['no oci-layout', 'oci-layout', undefined, 'NOT_FOUND', /not an OCI layout|no oci-layout/],
    [
      'a later version',
      'oci-layout',
      Buffer.from('{"imageLayoutVersion":"2.0.0"}'),
      'UNSUPPORTED',
      /version "2/,
    ],
    ['a huge index.json', 'index.json', new Uint8Array(5 << 20), 'LIMIT', /at most/],
  ];
  it.each(cases)('with %s says so', async (_, path, bytes, code, message) => {
    const files = ociLayoutFiles([{ image: here, ref: 'v1' }]);
    if (bytes === undefined) files.delete(path);
    else files.set(path, bytes);
    const use = async () => {
      const opened = await openFiles(files, 'v1');
      try {
        await opened.openTars([0, 1], options);
        await opened.openBlobs([0, 1], options);
      } finally {
        await opened.close();
      }
    };
    await expect(use()).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('is refused when a document is both a manifest and an index', async () => {
    const text = Buffer.from(here.manifest.bytes).toString();
    const both = json(OCI_MANIFEST, { ...JSON.parse(text), manifests: [] });
    await expect(openFiles(filesOf({ ...here, manifest: both }))).rejects.toThrow(
      /both a manifest and an index/,
    );
  });

  it('is refused when manifest and config differ in their layers', async () => {
    const config = json(here.config.mediaType, { rootfs: { diff_ids: [here.layers[0]!.diffId] } });
    const text = JSON.parse(Buffer.from(here.manifest.bytes).toString());
    const manifest = json(OCI_MANIFEST, { ...text, config: descriptor(config) });
    await expect(openFiles(filesOf({ ...here, config, manifest }))).rejects.toThrow(
      /has 2 layers; its config has 1/,
    );
  });

  it('is UNSUPPORTED when it holds an artifact that is no image', async () => {
    const config = json('application/vnd.cncf.helm.config.v1+json', {});
    const chart = buildImage({ seed: 3, layers: [] });
    const text = JSON.parse(Buffer.from(chart.manifest.bytes).toString());
    const manifest = json(OCI_MANIFEST, { ...text, config: descriptor(config) });
    await expect(openFiles(filesOf({ ...chart, config, manifest }))).rejects.toMatchObject({
      code: 'UNSUPPORTED',
    });
  });

  it('whose indexes hold each other over and over ends', async () => {
    let inner = index.index;
    const files = ociLayoutFiles([{ index }]);
    for (let depth = 0; depth < 8; depth++) {
      inner = json(inner.mediaType, { schemaVersion: 2, manifests: Array(50).fill(descriptor(inner)) });
      files.set(`blobs/sha256/${digestHex(inner.digest)}`, inner.bytes);
    }
    files.set(
      'index.json',
      Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [descriptor(inner)] })),
    );
    const opened = await openFiles(files);
    expect((await opened.readMetadata(options)).manifest?.digest).toBe(here.manifest.digest);
    await opened.close();
  });

  it('gives an image that is proved or an error of didiff, whatever its index.json says', async () => {
    const files = ociLayoutFiles([{ image: here, ref: 'v1' }]);
    const text = Buffer.from(files.get('index.json')!).toString();
    await fc.assert(
      fc.asyncProperty(fc.nat(text.length), fc.nat(5), fc.string({ maxLength: 5 }), async (at, cut, put) => {
        files.set('index.json', Buffer.from(text.slice(0, at) + put + text.slice(at + cut)));
        try {
          const opened = await openFiles(files);
          await opened.close();
        } catch (error) {
          if (!(error instanceof DidiffError)) throw error;
          expect(error.code).not.toBe('INTERNAL');
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is told from a missing path, a file and another directory', async () => {
    await expect(openOciLayout(join(root, 'none'), undefined, options)).rejects.toThrow(/no directory/);
    await expect(openOciLayout(root, undefined, options)).rejects.toThrow(/not an OCI layout/);
    writeFileSync(join(root, 'file'), 'x');
    await expect(openOciLayout(join(root, 'file'), undefined, options)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    writeFileSync(join(root, 'no.tar'), tarOfFiles(new Map([['manifest.json', Buffer.from('[]')]])));
    await expect(openOciArchive(join(root, 'no.tar'), undefined, options)).rejects.toMatchObject({
      code: 'CORRUPT_INPUT',
      hint: expect.stringContaining('docker-archive:'),
    });
  });
});

function filesOf(image: typeof here) {
  return ociLayoutFiles([{ image }]);
}

async function openFiles(files: ReadonlyMap<string, Uint8Array>, ref?: string): Promise<OpenedImage> {
  const directory = join(root, `layout-${count++}`);
  mkdirSync(directory);
  writeFiles(directory, files);
  return openOciLayout(directory, ref, options);
}
