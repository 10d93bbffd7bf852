import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { storeAsZstd } from '../../test/fixtures/images.ts';
import { bytesAccess, readRange } from '../bytes/access.ts';
import { sha256 } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import { openLayerContent, type WantedLayer } from './layer-content.ts';

/** What `zstd -19` (1.5) makes of `ZSTD_TEXT`; node can't write zstd everywhere. */
const ZSTD_BLOB = Buffer.from(
  'KLUv/WTvCT0BAIhsaW5lIDAKOTg3NjU0MzIxCgqgENhsDrAT66ZKPD6OYYyjxrrIDkIP9LA=',
  'base64',
);
const ZSTD_TEXT = Buffer.from(Array.from({ length: 400 }, (_, i) => `line ${(i * 7919) % 10}`).join('\n'));
/** RFC 8878, 3.1.2. */
const SKIPPABLE_FRAME = Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3);

const tempDirectory = mkdtempSync(join(tmpdir(), 'didiff-layer-'));
afterAll(() => rmSync(tempDirectory, { recursive: true, force: true }));

describe('a layer blob', () => {
  const tar = randomBytes(300_000);
  const half = tar.length >> 1;
  const members = [gzipSync(tar.subarray(0, half)), gzipSync(tar.subarray(half))];

  const good: readonly (readonly [string, Uint8Array, Uint8Array])[] = [
    ['that is plain', tar, tar],
    ['of gzip', gzipSync(tar), tar],
    ['of several gzip members', Buffer.concat(members), tar],
    ['of gzip with an empty member behind', Buffer.concat([...members, gzipSync('')]), tar],
    ['of gzip padded with zeros', Buffer.concat([...members, Buffer.alloc(70_000)]), tar],
    ['of zstd', ZSTD_BLOB, ZSTD_TEXT],
    ['of several zstd frames', Buffer.concat([ZSTD_BLOB, ZSTD_BLOB]), Buffer.concat([ZSTD_TEXT, ZSTD_TEXT])],
    [
      'of zstd with skippable frames',
      Buffer.concat([SKIPPABLE_FRAME, ZSTD_BLOB, SKIPPABLE_FRAME, storeAsZstd(tar), SKIPPABLE_FRAME]),
      Buffer.concat([ZSTD_TEXT, tar]),
    ],
    ['that is empty', new Uint8Array(0), new Uint8Array(0)],
    ['of one byte', Uint8Array.of(0x1f), Uint8Array.of(0x1f)],
  ];
  it.each(good)('%s gives its tar', async (_, blob, wanted) => {
    const layer = await open(blob, { diffId: sha256(wanted), blobDigest: sha256(blob) });
    const found = readRange(layer.content, 0, layer.content.sizeBytes, 1 << 24);
    layer.close();
    expect(Buffer.from(found).equals(wanted)).toBe(true);
  });

  it('that is plain is read in place', async () => {
    const blob = bytesAccess(tar);
    const layer = await openLayerContent(blob, { what: 'layer', diffId: sha256(tar) }, { tempDirectory });
    expect(layer.content).toBe(blob);
  });

  const damaged = Uint8Array.from(gzipSync(tar));
  damaged[damaged.length >> 1]! ^= 0x40;
  const damagedZstd = Uint8Array.from(ZSTD_BLOB);
  damagedZstd[damagedZstd.length >> 1]! ^= 0x40;
  const bad: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['cut gzip', gzipSync(tar).subarray(0, -3), /unexpected end of file/],
    ['gzip cut in its header', gzipSync(tar).subarray(0, 5), /unexpected end of file/],
    ['damaged gzip', damaged, /layer can't be decompressed|digest/],
    [
      'gzip with garbage behind',
      Buffer.concat([...members, Buffer.from('garbage')]),
      /incorrect header check/,
    ],
    [
      'gzip with a member behind zeros',
      Buffer.concat([members[0]!, Buffer.alloc(9), members[1]!]),
      /not zeros/,
    ],
    [
      'gzip with zeros, then garbage',
      Buffer.concat([...members, Buffer.alloc(99_999), Buffer.from('x')]),
      /not zeros/,
    ],
    ['cut zstd', ZSTD_BLOB.subarray(0, -5), /can't be decompressed/],
    ['damaged zstd', damagedZstd, /can't be decompressed/],
    ['zstd with garbage behind', Buffer.concat([ZSTD_BLOB, Buffer.from('garbage')]), /can't be decompressed/],
    // Window descriptor 0xf8: 2^41 bytes.
    [
      'zstd with a huge window',
      Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0xf8, 1, 0, 0),
      /can't be decompressed/,
    ],
  ];
  it.each(bad)('of %s is CORRUPT_INPUT, by the name of the layer', async (_, blob, message) => {
    const opening = open(blob, { diffId: sha256(tar) });
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toMatchObject({ code: 'CORRUPT_INPUT' });
    await expect(opening).rejects.toThrow(/^(the tar of )?layer/);
    expect(readdirSync(tempDirectory)).toEqual([]);
  });

  it('whose tar is another one is refused, plain or packed', async () => {
    for (const blob of [tar, gzipSync(tar)]) {
      await expect(open(blob, { diffId: sha256(ZSTD_TEXT) })).rejects.toThrow(
        `the tar of layer is damaged: its digest is ${sha256(tar)}, expected ${sha256(ZSTD_TEXT)}`,
      );
    }
  });

  it('that is another one is refused, even when its tar is right', async () => {
    const blob = gzipSync(tar, { level: 1 });
    const opening = open(blob, { diffId: sha256(tar), blobDigest: sha256(gzipSync(tar)) });
    await expect(opening).rejects.toThrow(/^the blob of layer is damaged/);
  });

  it('that unpacks to more than the limit is stopped there', async () => {
    const bomb = gzipSync(new Uint8Array(50 << 20), { level: 1 });
    const opening = open(bomb, { diffId: sha256(tar), limitBytes: 1 << 20 });
    await expect(opening).rejects.toMatchObject({ code: 'LIMIT' });
    expect(readdirSync(tempDirectory)).toEqual([]);
  });

  it('stops when its signal is aborted half-way', async () => {
    for (const blob of [new Uint8Array(20 << 20), gzipSync(new Uint8Array(20 << 20), { level: 1 })]) {
      const stop = new AbortController();
      const options = { tempDirectory, signal: stop.signal, onProgress: () => stop.abort() };
      const opening = openLayerContent(bytesAccess(blob), { what: 'layer', diffId: sha256(blob) }, options);
      await expect(opening).rejects.toMatchObject({ code: 'CANCELLED' });
    }
  });

  it('tells how far its reading is, up to the whole', async () => {
    const blob = gzipSync(tar);
    const seen: number[] = [];
    const onProgress = (progress: { doneBytes: number }) => seen.push(progress.doneBytes);
    await openLayerContent(
      bytesAccess(blob),
      { what: 'layer', diffId: sha256(tar) },
      { tempDirectory, onProgress },
    );
    expect(seen.at(-1)).toBe(blob.length);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  });

  it('gives its tar or a DidiffError, whatever its bytes are', async () => {
    const starts = fc.constantFrom(gzipSync('some text of a layer'), ZSTD_BLOB, Buffer.from('plain'));
    const change = fc.record({
      at: fc.nat(),
      to: fc.nat(255),
      cut: fc.nat(40),
      add: fc.uint8Array({ maxLength: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(starts, change, async (start, { at, to, cut, add }) => {
        const blob = Buffer.concat([start.subarray(0, start.length - cut), add]);
        if (blob.length > 0) blob[at % blob.length] = to;
        try {
          (await open(blob, { diffId: sha256(start) })).close();
        } catch (error) {
          expect(error).toBeInstanceOf(DidiffError);
          expect((error as DidiffError).code).toBe('CORRUPT_INPUT');
        }
      }),
      { numRuns: 300 },
    );
  });
});

function open(blob: Uint8Array, wanted: Omit<WantedLayer, 'what'>) {
  return openLayerContent(bytesAccess(blob), { what: 'layer', ...wanted }, { tempDirectory });
}
