import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ArchiveLayout, dockerArchiveEntries } from '../../../test/fixtures/docker-archive.ts';
import { buildImage, buildIndex, type FixtureImage, json } from '../../../test/fixtures/images.ts';
import { buildTar } from '../../../test/fixtures/layer-tar.ts';
import { seededBytes } from '../../../test/fixtures/random.ts';
import { type RandomAccess, readRange } from '../../bytes/access.ts';
import { type Digest, digestHex, sha256 } from '../../bytes/digest.ts';
import { DidiffError } from '../../errors.ts';
import { findMetadata } from './documents.ts';
import { openSpool, type Spool, type Wanted } from './spool.ts';

const IMAGE = buildImage({
  seed: 1,
  layers: [{}, { compression: 'zstd' }, { compression: 'none' }, { seed: 1 }],
});
const DIFF_IDS = IMAGE.layers.map(({ diffId }) => diffId);

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'didiff-spool-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const options = () => ({ tempDirectory: directory });
const digestOf = (content: RandomAccess): Digest => sha256(readRange(content, 0, content.sizeBytes, 1 << 28));
const wantTars = (tars: readonly Digest[], more: Partial<Wanted> = {}): Wanted => ({
  tars: new Set(tars),
  blobs: new Set(),
  isDone: () => false,
  ...more,
});

/** The bytes in pieces of `step`, in one buffer that is overwritten, as a socket's may be. */
async function* stream(bytes: Uint8Array, step = 3000): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(step);
  for (let at = 0; at < bytes.length; at += step) {
    const piece = bytes.subarray(at, at + step);
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
    buffer.fill(0xee);
  }
}

async function withSpool<T>(work: (spool: Spool) => Promise<T>): Promise<T> {
  const spool = openSpool(directory);
  try {
    return await work(spool);
  } finally {
    spool.close();
  }
}

const LAYOUTS: readonly ArchiveLayout[] = ['legacy', 'classic', 'containerd'];
const archiveOf = (layout: ArchiveLayout, image: FixtureImage = IMAGE): Uint8Array =>
  buildTar(dockerArchiveEntries([{ image, names: ['a:1'] }], layout));

describe('what an engine streams', () => {
  for (const layout of LAYOUTS) {
    test(`the ${layout} layout gives every layer and the documents`, async () => {
      await withSpool(async (spool) => {
        await spool.read(stream(archiveOf(layout)), wantTars(DIFF_IDS), options());
        for (const diffId of DIFF_IDS) expect(digestOf(spool.tars.get(diffId)!)).toBe(diffId);
        const kind = layout === 'containerd' ? 'containerd' : 'classic';
        const id = (layout === 'containerd' ? IMAGE.manifest : IMAGE.config).digest;
        const metadata = findMetadata(
          kind,
          { id, diffIds: DIFF_IDS, platform: IMAGE.platform },
          spool.documents,
        );
        expect(metadata?.config.digest).toBe(IMAGE.config.digest);
        expect(metadata?.manifest?.digest).toBe(layout === 'containerd' ? IMAGE.manifest.digest : undefined);
      });
    });
  }

  test('however the stream is cut, and in whatever order its entries come', async () => {
    const property = fc.asyncProperty(
      fc.constantFrom(...LAYOUTS),
      fc.integer({ min: 1, max: 20_000 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      async (layout, step, keys) => {
        const entries = dockerArchiveEntries([{ image: IMAGE, names: ['a:1'] }], layout);
        const shuffled = entries
          .map((entry) => ({ entry, key: keys.next().value as number }))
          .sort((a, b) => a.key - b.key)
          .map(({ entry }) => entry);
        await withSpool(async (spool) => {
          await spool.read(stream(buildTar(shuffled), step), wantTars(DIFF_IDS.slice(1)), options());
          for (const diffId of DIFF_IDS.slice(1)) expect(digestOf(spool.tars.get(diffId)!)).toBe(diffId);
        });
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });

  test('the image of an index is chosen by its platform, never an attestation', async () => {
    const arm = buildImage({ seed: 30, platform: 'linux/arm64/v8', layers: [{}] });
    const index = buildIndex([IMAGE, arm]);
    await withSpool(async (spool) => {
      const entries = dockerArchiveEntries([{ image: IMAGE, index, names: ['a:1'] }], 'containerd');
      await spool.read(stream(buildTar(entries)), wantTars([]), options());
      const find = (architecture: string) => {
        const choice = {
          id: index.index.digest,
          diffIds: undefined,
          platform: { os: 'linux', architecture },
        };
        return findMetadata('containerd', choice, spool.documents)?.manifest?.digest;
      };
      expect(find('arm64')).toBe(arm.manifest.digest);
      expect(find('amd64')).toBe(IMAGE.manifest.digest);
      expect(find('riscv64')).toBeUndefined();
      expect(find('unknown')).toBeUndefined();
    });
  });

  test('a layer whose first file begins with a brace is no document', async () => {
    const tar = buildTar([{ name: '{{ name }}/', type: '5' }]);
    const image = buildImage({ seed: 40, layers: [{ tar, compression: 'none' }] });
    for (const layout of LAYOUTS) {
      await withSpool(async (spool) => {
        await spool.read(stream(archiveOf(layout, image)), wantTars([sha256(tar)]), options());
        expect(digestOf(spool.tars.get(sha256(tar))!)).toBe(sha256(tar));
      });
    }
  });

  test('a layer that only looks compressed is taken by its digest', async () => {
    const odd = Buffer.concat([Uint8Array.of(0x1f, 0x8b, 0x08, 0), seededBytes(5, 5000)]);
    await withSpool(async (spool) => {
      const archive = buildTar([{ name: 'x/layer.tar', type: '0', content: odd }]);
      await spool.read(stream(archive), wantTars([sha256(odd)]), options());
      expect(digestOf(spool.tars.get(sha256(odd))!)).toBe(sha256(odd));
    });
  });

  test('an empty layer is a layer', async () => {
    const empty = sha256(new Uint8Array(0));
    await withSpool(async (spool) => {
      await spool.read(stream(buildTar([{ name: 'x/layer.tar', type: '0' }])), wantTars([empty]), options());
      expect(spool.tars.get(empty)?.sizeBytes).toBe(0);
    });
  });
});

describe.skipIf(!existsSync('/proc/self/fd'))('scratch files, as /proc/self/fd shows them', () => {
  /** Sizes of this process's open files in the directory; they have no name any more. */
  const scratchBytes = (): number => {
    let total = 0;
    for (const fd of readdirSync('/proc/self/fd')) {
      try {
        const link = `/proc/self/fd/${fd}`;
        if (readlinkSync(link).startsWith(directory)) total += statSync(link).size;
      } catch {
        // The descriptor of the listing itself.
      }
    }
    return total;
  };

  test('hold what is wanted and one layer more', async () => {
    const layers = Array.from({ length: 12 }, (_, position) => ({ seed: 50 + position, fileBytes: 20_000 }));
    const image = buildImage({ seed: 50, layers });
    const wanted = image.layers[4]!;
    const largest = Math.max(...image.layers.map(({ tar, blob }) => tar.length + blob.bytes.length));
    for (const layout of LAYOUTS) {
      await withSpool(async (spool) => {
        let most = 0;
        const onProgress = (): void => {
          most = Math.max(most, scratchBytes());
        };
        await spool.read(stream(archiveOf(layout, image)), wantTars([wanted.diffId]), {
          ...options(),
          onProgress,
        });
        expect(most).toBeGreaterThan(0);
        expect(most).toBeLessThanOrEqual(wanted.tar.length + largest);
        expect(scratchBytes()).toBe(wanted.tar.length);
      });
    }
  });

  test('what is known to be of no use is not even unpacked', async () => {
    await withSpool(async (spool) => {
      for (const { blob, diffId } of IMAGE.layers) spool.diffIdsOfBlobs.set(blob.digest, diffId);
      let most = 0;
      const onProgress = (): void => {
        most = Math.max(most, scratchBytes());
      };
      await spool.read(stream(archiveOf('containerd')), wantTars([]), { ...options(), onProgress });
      expect(most).toBe(0);
    });
  });

  test('reading ends as soon as everything wanted is there', async () => {
    const archive = archiveOf('legacy');
    let closed = false;
    let given = 0;
    const source = async function* (): AsyncGenerator<Uint8Array> {
      try {
        for await (const piece of stream(archive)) {
          given += piece.length;
          yield piece;
        }
      } finally {
        closed = true;
      }
    };
    await withSpool(async (spool) => {
      const isDone = (): boolean => spool.tars.has(DIFF_IDS[0]!);
      await spool.read(source(), wantTars([DIFF_IDS[0]!], { isDone }), options());
    });
    expect(closed).toBe(true);
    expect(given).toBeLessThan(archive.length / 2);
  });
});

describe('streams that are not what they should be', () => {
  test('a stream that is cut is an error; what was whole before stays', async () => {
    const archive = archiveOf('legacy');
    for (const part of [0.3, 0.6, 0.9]) {
      await withSpool(async (spool) => {
        const cut = archive.subarray(0, Math.floor(archive.length * part));
        const reading = spool.read(stream(cut), wantTars(DIFF_IDS), options());
        await expect(reading).rejects.toMatchObject({ code: 'CORRUPT_INPUT' });
        for (const [diffId, content] of spool.tars) expect(digestOf(content)).toBe(diffId);
        await spool.read(stream(archive), wantTars(DIFF_IDS), options());
        for (const diffId of DIFF_IDS) expect(digestOf(spool.tars.get(diffId)!)).toBe(diffId);
      });
    }
  });

  test('damage anywhere gives an error or leaves layers out, and never other bytes', async () => {
    const property = fc.asyncProperty(
      fc.constantFrom(...LAYOUTS),
      fc.array(fc.tuple(fc.double({ min: 0, max: 0.999, noNaN: true }), fc.integer({ min: 1, max: 255 })), {
        minLength: 1,
        maxLength: 8,
      }),
      async (layout, changes) => {
        const archive = Uint8Array.from(archiveOf(layout));
        for (const [where, change] of changes) archive[Math.floor(where * archive.length)]! ^= change;
        await withSpool(async (spool) => {
          try {
            await spool.read(stream(archive), wantTars(DIFF_IDS, { blobs: new Set(DIFF_IDS) }), options());
          } catch (error) {
            expect(error).toBeInstanceOf(DidiffError);
          }
          for (const [diffId, content] of spool.tars) expect(digestOf(content)).toBe(diffId);
          for (const [digest, content] of spool.blobs) expect(digestOf(content)).toBe(digest);
          for (const [digest, bytes] of spool.documents) expect(sha256(bytes)).toBe(digest);
        });
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  test('a blob that can not be unpacked is remembered as the reason', async () => {
    const blob = Uint8Array.from(IMAGE.layers[0]!.blob.bytes);
    blob[blob.length >> 1]! ^= 0x55;
    await withSpool(async (spool) => {
      const archive = buildTar([
        { name: `blobs/sha256/${digestHex(sha256(blob))}`, type: '0', content: blob },
      ]);
      await spool.read(stream(archive), wantTars(DIFF_IDS), options());
      expect(spool.damage()?.message).toContain(sha256(blob));
      expect(spool.tars.size).toBe(0);
    });
  });

  test('documents without end are refused', async () => {
    const filler = 'x'.repeat(7 << 20);
    const entries = Array.from({ length: 12 }, (_, number) => {
      const { bytes } = json('x', { rootfs: number, filler });
      return { name: `${number}.json`, type: '0', content: bytes };
    });
    await withSpool(async (spool) => {
      const reading = spool.read(stream(buildTar(entries), 1 << 20), wantTars([]), options());
      await expect(reading).rejects.toMatchObject({ code: 'LIMIT' });
    });
  });

  test('an abort is heard between two pieces', async () => {
    const controller = new AbortController();
    await withSpool(async (spool) => {
      const onProgress = (): void => controller.abort();
      const reading = spool.read(stream(archiveOf('legacy')), wantTars(DIFF_IDS), {
        ...options(),
        signal: controller.signal,
        onProgress,
      });
      await expect(reading).rejects.toMatchObject({ code: 'CANCELLED' });
    });
  });
});
