import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Digest } from '../bytes/digest.ts';
import { STREAM_BLOB, STREAM_COPIES, STREAM_RECIPE } from './format.ts';
import {
  encodeHeader,
  FEATURE_BLOB_COPIES,
  FEATURE_GZIP_RECIPE,
  type PatchHeader,
  type PatchLayer,
} from './header.ts';
import { parseHeader } from './parse-header.ts';

const digest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes): Digest => `sha256:${Buffer.from(bytes).toString('hex')}`);
const size = fc.nat();
const name = fc.string({ maxLength: 60 });
const baseLayer = fc.record({ diffId: digest, sizeBytes: size, addressed: fc.boolean() });

const coded = fc
  .uniqueArray(fc.nat(7), { maxLength: 8 })
  .chain((streams) =>
    fc.tuple(
      ...streams
        .sort((a, b) => a - b)
        .map((stream) =>
          fc
            .tuple(size, size, fc.integer({ min: 10, max: 24 }), fc.boolean())
            .map(([plain, other, windowBits, stored]) =>
              stored
                ? { stream, codec: 0 as const, plainBytes: plain, codedBytes: plain, windowBits: 0 }
                : { stream, codec: 1 as const, plainBytes: plain, codedBytes: other, windowBits },
            ),
        ),
    ),
  );
const stored = (stream: number, sizeBytes: number) => ({
  stream,
  codec: 0 as const,
  plainBytes: sizeBytes,
  codedBytes: sizeBytes,
  windowBits: 0,
});

/** Layers of every kind, each with just the streams that its sources read. */
const layer = (base: PatchHeader['base']['layers']): fc.Arbitrary<PatchLayer> => {
  const blob = fc.record({ digest, sizeBytes: fc.integer({ min: 1, max: 2 ** 31 - 1 }), mediaType: name });
  const delta = fc.record({
    diffId: digest,
    tarBytes: size,
    tar: fc.constant({ kind: 'delta' as const }),
    streams: coded,
  });
  const kinds: fc.Arbitrary<PatchLayer>[] = [
    delta,
    fc.tuple(delta, blob).map(([each, its]) => ({ ...each, blob: { ...its, source: 'none' as const } })),
    delta.map((each) => ({
      ...each,
      blob: { digest: each.diffId, sizeBytes: each.tarBytes, mediaType: 'm', source: 'tar' as const },
    })),
    fc.tuple(delta, blob, fc.integer({ min: 1, max: 1 << 20 })).map(([each, its, recipeBytes]) => ({
      ...each,
      streams: [...each.streams, stored(STREAM_RECIPE, recipeBytes)],
      blob: { ...its, source: 'recipe' as const },
    })),
    fc.tuple(delta, blob).map(([each, its]) => ({
      ...each,
      tar: { kind: 'blob' as const },
      streams: [stored(STREAM_BLOB, its.sizeBytes)],
      blob: { ...its, source: 'carried' as const },
    })),
    fc
      .tuple(delta, blob, fc.integer({ min: 1, max: 1 << 20 }), size)
      .map(([each, its, numbers, literals]) => ({
        ...each,
        streams: [...each.streams, stored(STREAM_BLOB, literals), stored(STREAM_COPIES, numbers)],
        blob: { ...its, source: 'copies' as const },
      })),
    ...base.map((from, baseLayer) =>
      blob.map((its) => ({
        diffId: from.diffId,
        tarBytes: from.sizeBytes,
        tar: { kind: 'base' as const, baseLayer },
        streams: [],
        blob: { ...its, source: 'base' as const },
      })),
    ),
  ];
  return fc.oneof(...kinds);
};

const header: fc.Arbitrary<PatchHeader> = fc.array(baseLayer, { maxLength: 4 }).chain((layers) =>
  fc.record({
    writer: name,
    requires: fc.constantFrom([], [FEATURE_GZIP_RECIPE], [FEATURE_GZIP_RECIPE, FEATURE_BLOB_COPIES]),
    memoryBytes: size,
    base: fc.record({
      name,
      layers: fc.constant(layers),
      blobs: fc.array(fc.record({ digest, sizeBytes: size }), { maxLength: 3 }),
    }),
    target: fc.record({
      name,
      platform: fc.record(
        { os: name, architecture: name, variant: name },
        { requiredKeys: ['os', 'architecture'] },
      ),
      documents: fc
        .tuple(digest, size, name, fc.integer({ min: 1, max: 3 }))
        .map(([each, sizeBytes, mediaType, count]) =>
          (['config', 'manifest', 'index'] as const)
            .slice(0, count)
            .map((role) => ({ role, mediaType, digest: each, sizeBytes })),
        ),
      layers: fc.array(layer(layers), { maxLength: 4 }),
    }),
  }),
);

test('a header comes back as it was', () => {
  fc.assert(
    fc.property(header, (each) => {
      expect(parseHeader(encodeHeader(each))).toEqual(each);
    }),
    { numRuns: 200 },
  );
});

test('random bytes are never a header', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), (bytes) => {
      expect(() => parseHeader(bytes)).toThrow(/^the patch header|^header/);
    }),
  );
});
