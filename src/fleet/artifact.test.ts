import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import { rawDocument } from '../image/manifest.ts';
import { OCI_MANIFEST } from '../image/media-types.ts';
import { encodeArtifact, PART_BYTES, parseArtifact, partSize } from './artifact.ts';
import type { PatchDescription } from './description.ts';

const digest = fc.uint8Array({ minLength: 1, maxLength: 4 }).map(sha256);
const size = fc.integer({ min: 0, max: 1 << 20 });
const layers = fc.array(fc.record({ diffId: digest, sizeBytes: size }), { maxLength: 5 });
const target = rawDocument(new TextEncoder().encode('{}'), OCI_MANIFEST);
const description: fc.Arbitrary<PatchDescription> = fc.record({
  patch: fc.record({ digest, sizeBytes: fc.constant(30) }),
  requires: fc.array(fc.constantFrom('gzip-recipe-1', 'zstd-9'), { maxLength: 3 }),
  base: fc.record({ name: fc.string(), manifest: digest, layers }, { requiredKeys: ['name', 'layers'] }),
  target: fc.record({
    config: digest,
    platform: fc.constantFrom(
      { os: 'linux', architecture: 'amd64' },
      { os: 'linux', architecture: 'arm', variant: 'v7' },
    ),
    layers,
    hasBlobs: fc.boolean(),
  }),
  memoryBytes: size,
  created: fc.constantFrom('', '2024-05-06T07:08:09Z'),
});
const parts = [10, 20].map((sizeBytes) => ({ digest: sha256(new Uint8Array(sizeBytes)), sizeBytes }));

describe('a patch as an artifact', () => {
  it('reads back as it was written', () => {
    fc.assert(
      fc.property(description, (wanted) => {
        const document = encodeArtifact(target, parts, wanted);
        const found = parseArtifact(document.bytes, 'it');
        expect(found).toMatchObject({ digest: document.digest, target: target.digest, parts });
        expect(found.description).toEqual(wanted);
      }),
    );
  });

  const [sample] = fc.sample(description, { numRuns: 1, seed: 1 });
  const json = JSON.parse(new TextDecoder().decode(encodeArtifact(target, parts, sample!).bytes));
  const parse = (changed: object) =>
    parseArtifact(new TextEncoder().encode(JSON.stringify({ ...json, ...changed })), 'it');
  const [first, second] = json.layers;

  it.each([
    ['another type', { artifactType: 'x' }, 'UNSUPPORTED', /its type is x/],
    ['no subject', { subject: undefined }, 'CORRUPT_INPUT', /subject/],
    [
      'a layer that is no part',
      { layers: [first, { ...second, mediaType: 'x' }] },
      'CORRUPT_INPUT',
      /type x/,
    ],
    ['a part too few', { layers: [first] }, 'CORRUPT_INPUT', /10 bytes in all; it says 30/],
    ['a part beyond all bounds', { layers: [{ ...first, size: 2 ** 40 }] }, 'LIMIT', /1099511627776/],
    ['no annotations', { annotations: {} }, 'CORRUPT_INPUT', /lacks the annotation/],
    [
      'a size that is none',
      { annotations: { ...json.annotations, 'vnd.didiff.patch.size': '1e9' } },
      'CORRUPT_INPUT',
      /is no size: found "1e9"/,
    ],
    [
      'a layer without a size',
      { annotations: { ...json.annotations, 'vnd.didiff.base.layers': target.digest } },
      'CORRUPT_INPUT',
      /is no size/,
    ],
  ])('with %s is refused', (_, change, code, message) => {
    expect(() => parse(change)).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  it('that anybody made up is refused or read, and nothing else happens', () => {
    const anything = fc.oneof(fc.json(), fc.string({ unit: 'binary' }));
    const value = fc.dictionary(fc.constantFrom(...Object.keys(json)), fc.jsonValue());
    fc.assert(
      fc.property(fc.oneof(anything, value), (made) => {
        const text = typeof made === 'string' ? made : JSON.stringify({ ...json, ...made });
        try {
          parseArtifact(new TextEncoder().encode(text), 'it');
        } catch (error) {
          expect(error).toBeInstanceOf(DidiffError);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('is cut into parts of a megabyte, and larger ones when there would be very many', () => {
    expect(partSize(0)).toBe(PART_BYTES);
    expect(partSize(512 * PART_BYTES)).toBe(PART_BYTES);
    expect(partSize(512 * PART_BYTES + 1)).toBe(2 * PART_BYTES);
    expect(partSize(2 ** 40)).toBe(2 ** 26);
  });
});
