/**
 * Our files read by other tools, and theirs by us: skopeo where it is installed, and real images where DIDIFF_IMAGES
 * names an OCI layout with some.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readPieces } from '../../src/bytes/access.ts';
import type { Digest } from '../../src/bytes/digest.ts';
import { parseIndex, parseManifest } from '../../src/image/manifest.ts';
import type { ImageSink, OpenedImage, TargetImage } from '../../src/image/store.ts';
import { openDockerArchive } from '../../src/stores/archive/open.ts';
import { openDockerArchiveSink } from '../../src/stores/archive/sink.ts';
import { openOciArchiveSink } from '../../src/stores/oci/archive-sink.ts';
import { openOciArchive, openOciLayout } from '../../src/stores/oci/open.ts';
import { openOciSink } from '../../src/stores/oci/sink.ts';
import { buildImage, buildIndex } from '../fixtures/images.ts';
import { writeOciLayout } from '../fixtures/oci-layout.ts';

const root = mkdtempSync(join(tmpdir(), 'didiff-tools-'));
const options = { tempDirectory: root };
afterAll(() => rmSync(root, { recursive: true, force: true }));

const hasSkopeo = spawnSync('skopeo', ['--version']).status === 0;
const realImages = process.env['DIDIFF_IMAGES'];
const NAME = 'didiff.test/app:1';

/** An OCI layout with images, and a name for each: made ones, and the real ones. */
const images: readonly (readonly [string, string])[] = [
  [makeLayout(), 'mixed'],
  ...(realImages === undefined ? [] : refsOf(realImages).map((ref) => [realImages, ref] as const)),
];

describe.each(images)('the image of %s, %s', (layout, ref) => {
  it.runIf(hasSkopeo)('is read by skopeo as it was, from every form we write', async () => {
    const opened = await openOciLayout(layout, ref, options);
    const target = await describeTarget(opened);
    const archive = join(root, `${ref}.docker.tar`);
    await copy(opened, target, openDockerArchiveSink(archive, undefined, options));
    expect(skopeoConfig(`docker-archive:${archive}:${NAME}`)).toBe(target.config.digest);
    const directory = join(root, `${ref}.oci`);
    await copy(opened, target, openOciSink(directory, 'copy', options));
    expect(skopeoManifest(`oci:${directory}:copy`)).toBe(target.manifest.digest);
    const tar = join(root, `${ref}.oci.tar`);
    await copy(opened, target, openOciArchiveSink(tar, 'copy', options));
    expect(skopeoManifest(`oci-archive:${tar}:copy`)).toBe(target.manifest.digest);
    // skopeo reads and checks every layer when it copies.
    skopeo('copy', '-q', `docker-archive:${archive}`, `oci:${join(root, `${ref}.1`)}:x`);
    skopeo('copy', '-q', `oci:${directory}:copy`, `oci:${join(root, `${ref}.2`)}:x`);
    skopeo('copy', '-q', `oci-archive:${tar}:copy`, `oci:${join(root, `${ref}.3`)}:x`);
    await opened.close();
  });

  it.runIf(hasSkopeo)('is read by us as it was, from every form skopeo writes', async () => {
    const from = `oci:${layout}:${ref}`;
    const opened = await openOciLayout(layout, ref, options);
    const archive = join(root, `${ref}.skopeo.tar`);
    skopeo('copy', '-q', from, `docker-archive:${archive}:${NAME}`);
    await expectSame(opened, await openDockerArchive(archive, NAME, options));
    const packed = join(root, `${ref}.skopeo.tar.gz`);
    execFileSync('sh', ['-c', 'gzip -1 -c "$0" > "$1"', archive, packed]);
    await expectSame(opened, await openDockerArchive(packed, undefined, options));
    const tar = join(root, `${ref}.skopeo.oci.tar`);
    skopeo('copy', '-q', from, `oci-archive:${tar}:x`);
    await expectSame(opened, await openOciArchive(tar, 'x', options));
    await opened.close();
  });
});

describe.runIf(hasSkopeo)('an OCI layout that skopeo and we write to in turns', () => {
  it('keeps the images of both, and moves names the same way', async () => {
    const layout = makeLayout();
    const directory = join(root, 'turns');
    const opened = await openOciLayout(layout, 'mixed', options);
    const target = await describeTarget(opened);
    skopeo('copy', '-q', `oci:${layout}:second`, `oci:${directory}:theirs`);
    await copy(opened, target, openOciSink(directory, 'ours', options));
    skopeo('copy', '-q', `oci:${layout}:second`, `oci:${directory}:more`);
    expect(skopeoManifest(`oci:${directory}:ours`)).toBe(target.manifest.digest);
    await (await openOciLayout(directory, 'more', options)).close();
    skopeo('copy', '-q', `oci:${layout}:second`, `oci:${directory}:ours`);
    await expectSame(opened, await openOciLayout(directory, target.manifest.digest, options));
    await opened.close();
  });

  it('gives both the same image of an index', async () => {
    const layout = join(root, 'multi');
    const amd = buildImage({ seed: 30, layers: [{}], platform: 'linux/amd64' });
    const arm = buildImage({ seed: 31, layers: [{}], platform: 'linux/arm64/v8' });
    writeOciLayout(layout, [{ index: buildIndex([amd, arm]), ref: 'multi' }]);
    for (const [architecture, image] of [
      ['amd64', amd],
      ['arm64', arm],
    ] as const) {
      const platform = { os: 'linux', architecture };
      const opened = await openOciLayout(layout, 'multi', { ...options, platform });
      expect((await opened.readMetadata(options)).manifest?.digest).toBe(image.manifest.digest);
      await opened.close();
      const config = skopeo(
        '--override-os',
        'linux',
        '--override-arch',
        architecture,
        'inspect',
        '--config',
        '--raw',
        `oci:${layout}:multi`,
      );
      expect(config).toBe(Buffer.from(image.config.bytes).toString());
    }
  });
});

function makeLayout(): string {
  const directory = mkdtempSync(join(root, 'layout-'));
  const image = buildImage({
    seed: 500,
    layers: [{}, { compression: 'none' }, { tar: new Uint8Array(1024) }, { seed: 500 }],
  });
  writeOciLayout(directory, [
    { image, ref: 'mixed' },
    { image: buildImage({ seed: 510, layers: [{}] }), ref: 'second' },
  ]);
  return directory;
}

function refsOf(layout: string): readonly string[] {
  return parseIndex(readFileSync(join(layout, 'index.json')), 'index.json').flatMap(
    ({ annotations }) => annotations['org.opencontainers.image.ref.name'] ?? [],
  );
}

async function describeTarget(opened: OpenedImage): Promise<TargetImage> {
  const { config, manifest } = await opened.readMetadata(options);
  const { layers } = parseManifest(manifest!.bytes, 'manifest');
  const tars = await opened.openTars([...opened.diffIds.keys()], options);
  return {
    config,
    manifest: manifest!,
    manifestIsOwn: true,
    platform: opened.platform,
    layers: layers.map((blob, at) => ({
      diffId: opened.diffIds[at]!,
      tarSizeBytes: tars[at]!.content.sizeBytes,
      blob,
    })),
  };
}

async function copy(opened: OpenedImage, target: TargetImage, sink: ImageSink): Promise<void> {
  for (const position of await sink.begin(target)) {
    const [content] =
      sink.takes === 'blob'
        ? await opened.openBlobs([position], options)
        : (await opened.openTars([position], options)).map((tar) => tar.content);
    await sink.putLayer(
      position,
      (async function* () {
        yield* readPieces(content!);
      })(),
    );
  }
  await sink.commit(target, [NAME]);
}

async function expectSame(wanted: OpenedImage, found: OpenedImage): Promise<void> {
  try {
    expect(found.diffIds).toEqual(wanted.diffIds);
    expect((await found.readMetadata(options)).config.digest).toBe(
      (await wanted.readMetadata(options)).config.digest,
    );
    // Each is proved to have its diffID when it is opened.
    await found.openTars([...found.diffIds.keys()], options);
    if (found.hasBlobs) await found.openBlobs([...found.diffIds.keys()], options);
  } finally {
    await found.close();
  }
}

function skopeoManifest(reference: string): Digest {
  return JSON.parse(skopeo('inspect', reference)).Digest;
}

function skopeoConfig(reference: string): string {
  return `sha256:${execFileSync('sha256sum', { input: skopeo('inspect', '--config', '--raw', reference) })
    .toString()
    .slice(0, 64)}`;
}

function skopeo(...args: readonly string[]): string {
  return execFileSync('skopeo', ['--insecure-policy', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
