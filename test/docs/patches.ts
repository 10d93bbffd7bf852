/** Patches between fixture images of every kind, for the second decoder: each with what the target is made of. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { createLegacyModel } from '../../src/deflate/go-legacy/model.ts';
import { gzipTrailer } from '../../src/deflate/gzip.ts';
import { rawDocument } from '../../src/image/manifest.ts';
import { OCI_LAYER_TAR } from '../../src/image/media-types.ts';
import { createBundle, createPatch, findIndex, openImage } from '../../src/index.ts';
import { archiveFiles, bitcodeFiles, stringsFiles } from '../fixtures/archives.ts';
import { writeDockerArchive } from '../fixtures/docker-archive.ts';
import {
  buildImage,
  buildIndex,
  descriptor,
  type FixtureImage,
  type FixtureIndex,
  json,
} from '../fixtures/images.ts';
import { buildTar } from '../fixtures/layer-tar.ts';
import { listedFiles } from '../fixtures/listed.ts';
import { writeOciLayout } from '../fixtures/oci-layout.ts';
import { seededBytes, seededText } from '../fixtures/random.ts';
import { cdsVersions } from '../predict/build-cds.ts';
import { programVersions } from '../predict/versions.ts';
import type { Base } from './decoder.ts';

export interface PatchCase {
  readonly name: string;
  readonly base: FixtureImage;
  readonly target: FixtureImage;
  /** `archive`: of a store that keeps no manifests. */
  readonly form: 'oci' | 'archive';
  readonly index?: FixtureIndex;
  readonly blobs?: boolean;
}

const noise = seededBytes(11, 300_000);
const page = seededText(12, 20_000);

/** A file with bytes changed and moved, in which new lines come twice; headers that differ in every field. */
function changedTar(release: number): Uint8Array {
  const binary = Uint8Array.from(noise, (byte, at) => (at % 997 === 0 ? (byte + release) % 256 : byte));
  const added = release === 0 ? new Uint8Array(0) : seededText(13, 3000);
  const mtimeSeconds = 1_700_000_000 + release * 5000;
  return buildTar([
    { name: 'bin/', type: '5', mode: 0o755, mtimeSeconds },
    {
      name: 'bin/tool',
      type: '0',
      mode: 0o755 - release,
      uid: release,
      gid: 7,
      mtimeSeconds,
      content: binary,
    },
    {
      name: `share/page-${release}.html`,
      type: '0',
      mtimeSeconds,
      content: Buffer.concat([page, added, page, added]),
    },
    { name: `share/link-${release}`, type: '2', linkTarget: `page-${release}.html`, mtimeSeconds: 1 },
    { name: 'share/blob', type: '0', mtimeSeconds: mtimeSeconds + 1, content: noise.subarray(release * 100) },
  ]);
}

const gzip = 'gzip' as const;
const none = 'none' as const;
const base = buildImage({
  seed: 1,
  layers: [{ compression: gzip }, { tar: changedTar(0), compression: none }, { variant: 0 }],
});
const target = buildImage({
  seed: 1,
  layers: [
    { compression: gzip },
    { tar: changedTar(1), compression: none },
    { variant: 5, compression: none },
  ],
});
const compressed = buildImage({
  seed: 1,
  layers: [{ seed: 1 }, { seed: 3, variant: 7 }, { seed: 2, variant: 1, compression: 'zstd' }],
});
/** As Go's compress/gzip makes it up to Go 1.26: `docker push` and BuildKit. */
export function goGzip(tar: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from('1f8b08000000000000ff', 'hex')];
  const model = createLegacyModel(6, (piece) => parts.push(piece.slice()));
  model.write(tar);
  model.finish();
  return Buffer.concat([...parts, gzipTrailer(crc32(tar), tar.length)]);
}

/** The target with its middle layer compressed by an encoder that is known. */
const recreatable = withBlob(target, 1, goGzip(changedTar(1)));

export function withBlob(image: FixtureImage, position: number, bytes: Uint8Array): FixtureImage {
  const layers = image.layers.map((layer, at) =>
    at === position ? { ...layer, blob: rawDocument(bytes, `${OCI_LAYER_TAR}+gzip`) } : layer,
  );
  const manifest = JSON.parse(new TextDecoder().decode(image.manifest.bytes)) as object;
  return {
    ...image,
    layers,
    manifest: json(image.manifest.mediaType, {
      ...manifest,
      layers: layers.map(({ blob }) => descriptor(blob)),
    }),
  };
}

function classes(release: 0 | 1): FixtureImage {
  const content = cdsVersions()[release];
  const file = { name: 'lib/classes', type: '0', mtimeSeconds: release, content };
  return buildImage({ seed: 15, layers: [{ tar: buildTar([file]), compression: none }] });
}

/** Programs of both kinds; one of them also has a stretch of another file, and new bytes. */
function programs(release: 0 | 1): FixtureImage {
  const [x86, arm] = [programVersions('x86-64')[release], programVersions('aarch64')[release]];
  const tail = release === 0 ? [] : [noise.subarray(5000, 9000), seededBytes(14, 500)];
  const file = (name: string, content: Uint8Array) => ({ name, type: '0', mtimeSeconds: release, content });
  return buildImage({
    seed: 5,
    layers: [
      {
        tar: buildTar([
          file('lib/data', noise.subarray(0, 20_000)),
          file('bin/tool', Buffer.concat([x86, ...tail])),
          file('bin/other', arm),
        ]),
      },
    ],
  });
}
/** Noise, compressed as no recipe can, of which some bytes change; and a layer that both have, compressed so too. */
const noisy = (release: number) =>
  buildImage({
    seed: 4,
    layers: [
      {
        tar: buildTar([
          {
            name: 'noise',
            type: '0',
            content: noise.map((byte, at) => (at % 90_001 === 5 ? release : byte)),
          },
        ]),
        compression: 'zstd',
      },
      { compression: 'zstd' },
    ],
  });

/** Jars in wars, wheels and gzip files. */
const archives = (release: 0 | 1) =>
  buildImage({
    seed: 6,
    layers: [{ tar: buildTar(archiveFiles(release).map((file) => ({ ...file, type: '0' }))) }],
  });

/** Bitcode: plainly, behind a wrapper, in an archive, and some that is none. */
const bitcode = (release: 0 | 1) =>
  buildImage({
    seed: 8,
    layers: [{ tar: buildTar(bitcodeFiles(release).map((file) => ({ ...file, type: '0' }))) }],
  });

/** Source maps, pretty, cut short and new. */
const strings = (release: 0 | 1) =>
  buildImage({
    seed: 10,
    layers: [{ tar: buildTar(stringsFiles(release).map((file) => ({ ...file, type: '0' }))) }],
  });

/** Lists of files, with digests of all kinds. */
const listed = (release: 0 | 1) =>
  buildImage({
    seed: 7,
    layers: [{ tar: buildTar(listedFiles(release).map((file) => ({ ...file, type: '0' }))) }],
  });

const empty = buildImage({ seed: 9, layers: [{ tar: new Uint8Array(0), compression: none }] });

export const PATCH_CASES: readonly PatchCase[] = [
  { name: 'changed, moved and new files', base, target, form: 'oci' },
  { name: 'the same, backwards', base: target, target: base, form: 'oci' },
  { name: 'images without manifests', base, target, form: 'archive' },
  { name: 'compressed layers', base, target: compressed, form: 'oci' },
  { name: 'compressed layers, blobs left out', base, target: compressed, form: 'oci', blobs: false },
  { name: 'a layer whose encoder is known', base, target: recreatable, form: 'oci' },
  { name: 'archives', base: archives(0), target: archives(1), form: 'archive' },
  { name: 'bitcode', base: bitcode(0), target: bitcode(1), form: 'archive' },
  { name: 'strings', base: strings(0), target: strings(1), form: 'archive' },
  { name: 'executables', base: programs(0), target: programs(1), form: 'archive' },
  { name: 'archives of Java classes', base: classes(0), target: classes(1), form: 'archive' },
  { name: 'listed digests', base: listed(0), target: listed(1), form: 'archive' },
  { name: "blobs that are copied from the base's", base: noisy(0), target: noisy(1), form: 'oci' },
  { name: 'an index', base, target, form: 'oci', index: buildIndex([target]) },
  { name: 'the same image', base, target: base, form: 'oci' },
  { name: 'images that share nothing', base: empty, target, form: 'oci' },
  { name: 'an empty layer', base, target: empty, form: 'oci' },
];

export async function makeCase(each: PatchCase): Promise<Uint8Array> {
  const directory = mkdtempSync(join(tmpdir(), 'didiff-docs-'));
  try {
    const names = [
      [each.base, 'base', undefined],
      [each.target, 'target', each.index],
    ] as const;
    const references = names.map(([image, name, index]) => {
      const path = join(directory, name);
      if (each.form === 'archive') writeDockerArchive(path, [{ image, names: [`${name}:1`] }], 'legacy');
      else writeOciLayout(path, [{ ...(index === undefined ? { image } : { index }), ref: name }]);
      return each.form === 'archive' ? `docker-archive:${path}` : `oci:${path}:${name}`;
    });
    const platform = { os: 'linux', architecture: 'amd64' };
    const options = { tempDirectory: directory, blobs: each.blobs, platform };
    const [from, to] = await Promise.all(references.map((reference) => openImage(reference, options)));
    try {
      const path = join(directory, 'patch');
      await createPatch(from!, to!, path, options);
      return readFileSync(path);
    } finally {
      await from!.close();
      await to!.close();
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The bundle between two indexes. */
export async function makeBundleFile(from: FixtureIndex, to: FixtureIndex): Promise<Uint8Array> {
  const directory = mkdtempSync(join(tmpdir(), 'didiff-docs-'));
  const options = { tempDirectory: directory };
  const open = async (index: FixtureIndex, name: string) => {
    writeOciLayout(join(directory, name), [{ index, ref: name }]);
    return (await findIndex(`oci:${join(directory, name)}:${name}`, options))!;
  };
  const [base, target] = [await open(from, 'base'), await open(to, 'target')];
  try {
    await createBundle(base, target, join(directory, 'bundle'), { ...options, effort: 3 });
    return readFileSync(join(directory, 'bundle'));
  } finally {
    await base.close();
    await target.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The image as a receiver has it. */
export function baseOf({ layers }: FixtureImage): Base {
  return {
    tars: new Map(layers.map(({ diffId, tar }) => [diffId, tar])),
    blobs: new Map(layers.map(({ blob }) => [blob.digest, blob.bytes])),
  };
}
