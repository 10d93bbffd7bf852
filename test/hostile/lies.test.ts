/**
 * Well-framed patches whose header lies. Every field is given every wrong value: what comes of it is a refusal or, where
 * a field is only for people to read, the exact image.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../src/index.ts';
import { STREAM_BLOB } from '../../src/patch/format.ts';
import { buildImage, buildIndex } from '../fixtures/images.ts';
import { applyTo, expectBytes, FILE_FORMS, openWorkshop } from '../fixtures/patching.ts';
import { attempt, refusal } from './attempt.ts';
import { lying, withDocuments, withHeader } from './reframe.ts';
import { makeVictim } from './victim.ts';

const workshop = openWorkshop();
const delta = await makeVictim(workshop, 'delta');
const classic = await makeVictim(workshop, 'classic');
const carrying = await makeVictim(workshop, 'carrying');
const sharing = await makeVictim(workshop, 'sharing');
const copying = await makeVictim(workshop, 'copying');
const ZEROS = `sha256:${'0'.repeat(64)}`;
const HUGE = Number.MAX_SAFE_INTEGER;

type Row = readonly [what: string, lies: Readonly<Record<string, unknown>>, code: ErrorCode, message: RegExp];

const DELTA_ROWS: readonly Row[] = [
  ['an unknown feature', { requires: ['gzip-recipe-1', 'telepathy-7'] }, 'UNSUPPORTED', /telepathy-7/],
  ['features that are no list', { requires: 'gzip' }, 'CORRUPT_INPUT', /requires is not an array/],
  ['a base layer of another digest', { 'base.layers.0.diffId': ZEROS }, 'BASE_MISMATCH', /lacks layer/],
  [
    'a base layer of another size',
    { 'base.layers.0.size': 1 },
    'BASE_MISMATCH',
    /is \d+ bytes; the patch says 1/,
  ],
  [
    'base layers larger than any number',
    { 'base.layers.0.size': HUGE },
    'CORRUPT_INPUT',
    /size of the base layers/,
  ],
  [
    'a base layer that ops may not read',
    { 'base.layers.0.addressed': false },
    'CORRUPT_INPUT',
    /outside of the 0 bytes of the base/,
  ],
  ['no base layers', { 'base.layers': [] }, 'CORRUPT_INPUT', /base layer \d of 0/],
  [
    'a layer count that is huge',
    { 'base.layers': new Array(5000).fill({}) },
    'CORRUPT_INPUT',
    /5000 entries/,
  ],
  ['memory that no machine has', { memory: HUGE }, 'LIMIT', /needs .* of memory/],
  ['negative memory', { memory: -1 }, 'CORRUPT_INPUT', /memory is -1/],
  ['half a byte', { 'target.layers.1.size': 0.5 }, 'CORRUPT_INPUT', /size is 0.5/],
  [
    'a layer of the base that is not there',
    { 'target.layers.0.from': 7 },
    'CORRUPT_INPUT',
    /base layer 7 of 2/,
  ],
  [
    'the wrong layer of the base',
    { 'target.layers.0.from': 0 },
    'CORRUPT_INPUT',
    /not the base layer it comes from/,
  ],
  ['a layer from nowhere', { 'target.layers.0.from': 'heaven' }, 'CORRUPT_INPUT', /comes from "heaven"/],
  ['a layer of the base as a delta', { 'target.layers.0.from': 'delta' }, 'CORRUPT_INPUT', /cut short/],
  [
    'a layer from a blob that is not carried',
    { 'target.layers.0.from': 'blob' },
    'CORRUPT_INPUT',
    /not carried/,
  ],
  ['no layers', { 'target.layers': [] }, 'CORRUPT_INPUT', /not those of the target's config/],
  ['an unknown codec', { 'target.layers.1.streams.0.1': 9 }, 'UNSUPPORTED', /codec 9/],
  [
    'an unknown stream',
    { 'target.layers.1.streams.0.0': 77 },
    'CORRUPT_INPUT',
    /stream 77 that it can't have/,
  ],
  [
    'a stream that comes twice',
    { 'target.layers.1.streams.1.0': 0 },
    'CORRUPT_INPUT',
    /stream 0 that it can't have/,
  ],
  [
    'a blob in a delta',
    { 'target.layers.1.streams.0.0': STREAM_BLOB },
    'CORRUPT_INPUT',
    /stream 8 that it can't have/,
  ],
  ['a window of 2^25', { 'target.layers.1.streams.0.4': 25 }, 'CORRUPT_INPUT', /without a valid window/],
  [
    'a stream that gives more',
    { 'target.layers.1.streams.5.2': 3 },
    'CORRUPT_INPUT',
    /stream 5 that is of codec 2, which can't be: 3 and \d+ bytes/,
  ],
  [
    'a stream that gives less',
    { 'target.layers.1.streams.5.2': 9999 },
    'CORRUPT_INPUT',
    /stream text (is damaged: it is cut short|goes on after its end)/,
  ],
  [
    'a mixed stream that is too long',
    { 'target.layers.1.streams.5.2': 2 ** 20 + 1 },
    'CORRUPT_INPUT',
    /stream 5 that is of codec 2, which can't be: 1048577 and/,
  ],
  [
    'the other kind of a mixed stream',
    { 'target.layers.1.streams.5.1': 3 },
    'CORRUPT_INPUT',
    /stream text|RESULT_MISMATCH|comes out as/,
  ],
  [
    'a stream of fewer coded bytes',
    { 'target.layers.1.streams.5.3': 1 },
    'CORRUPT_INPUT',
    /chunk of stream 5 of layer 1 where none can be/,
  ],
  [
    'a stream of more coded bytes',
    { 'target.layers.1.streams.5.3': 999 },
    'CORRUPT_INPUT',
    /of kind 4; kind 3 was expected/,
  ],
  [
    'a stored stream that takes less',
    { 'target.layers.1.streams.0.3': 1 },
    'CORRUPT_INPUT',
    /stored, but not of the same size: \d+ and 1 bytes/,
  ],
  [
    'no streams',
    { 'target.layers.1.streams': undefined },
    'CORRUPT_INPUT',
    /op is cut short|where none can be/,
  ],
  [
    'a codec that it is not coded with',
    { 'target.layers.1.streams.0.1': 1 },
    'CORRUPT_INPUT',
    /stream ops is damaged/,
  ],
  ['no config', { 'target.documents': [] }, 'CORRUPT_INPUT', /no config/],
  [
    'documents in another order',
    { 'target.documents.0.role': 'manifest' },
    'CORRUPT_INPUT',
    /document 0 is not the config/,
  ],
  [
    'a config of another digest',
    { 'target.documents.0.digest': ZEROS },
    'CORRUPT_INPUT',
    /does not have its digest/,
  ],
  [
    'a config that is larger',
    { 'target.documents.0.size': 100_000 },
    'CORRUPT_INPUT',
    /does not have its digest/,
  ],
  [
    'a config of another media type',
    { 'target.documents.0.mediaType': 'text/plain' },
    'CORRUPT_INPUT',
    /media type/,
  ],
  [
    'a manifest of another media type',
    { 'target.documents.1.mediaType': 'text/plain' },
    'CORRUPT_INPUT',
    /media type/,
  ],
  ['a blob of another digest', { 'target.layers.1.blob.digest': ZEROS }, 'CORRUPT_INPUT', /another digest/],
  ['a blob of another size', { 'target.layers.1.blob.size': 5 }, 'CORRUPT_INPUT', /another digest or size/],
  [
    'a blob of another media type',
    { 'target.layers.1.blob.mediaType': 'text/plain' },
    'CORRUPT_INPUT',
    /not those of the target's manifest/,
  ],
  ['no blob', { 'target.layers.1.blob': undefined }, 'CORRUPT_INPUT', /not those of the target's manifest/],
  [
    'a carried blob that is not there',
    { 'target.layers.1.blob.from': 'carried' },
    'CORRUPT_INPUT',
    /carries its blob as well/,
  ],
  ['a recipe that is not there', { 'target.layers.1.blob.from': 'recipe' }, 'CORRUPT_INPUT', /no recipe/],
  ['a name longer than any', { 'base.name': 'x'.repeat(5000) }, 'CORRUPT_INPUT', /base.name/],
  [
    'a platform without an architecture',
    { 'target.platform.architecture': 7 },
    'CORRUPT_INPUT',
    /architecture/,
  ],
];

/** Made from images without manifests, so that no size is given twice. */
const CLASSIC_ROWS: readonly Row[] = [
  ['a layer of another size', { 'target.layers.1.size': 512 }, 'CORRUPT_INPUT', /past the layer's 512 bytes/],
  ['a layer that is larger', { 'target.layers.1.size': 1 << 20 }, 'CORRUPT_INPUT', /op is cut short/],
  ['a layer larger than the disk', { 'target.layers.1.size': HUGE }, 'STORAGE', /free; up to .* are needed/],
  [
    'a layer of another digest',
    { 'target.layers.1.diffId': ZEROS },
    'CORRUPT_INPUT',
    /not those of the target's config/,
  ],
];

const CARRYING_ROWS: readonly Row[] = [
  [
    'a layer of another size',
    { 'target.layers.0.size': 100 },
    'CORRUPT_INPUT',
    /unpacks to is more than the 100 bytes/,
  ],
  [
    'a layer that is larger',
    { 'target.layers.0.size': 100_000 },
    'CORRUPT_INPUT',
    /unpacks to is \d+ bytes less than the 100000/,
  ],
  [
    'a blob shorter than its stream',
    { 'target.layers.0.streams.0.2': 3, 'target.layers.0.streams.0.3': 3 },
    'CORRUPT_INPUT',
    /does not carry a blob of the size/,
  ],
  [
    'a blob that brotli made',
    { 'target.layers.0.streams.0.1': 1 },
    'CORRUPT_INPUT',
    /stream 8 that it can't have/,
  ],
  [
    'fewer coded bytes than the blob',
    { 'target.layers.0.streams.0.3': 3 },
    'CORRUPT_INPUT',
    /stored, but not of the same size/,
  ],
  [
    'a tar that ops make',
    { 'target.layers.0.from': 'delta' },
    'CORRUPT_INPUT',
    /made by ops and carries its blob as well/,
  ],
];

const SHARING_ROWS: readonly Row[] = [
  // The tar would be stored under the digest of the blob, for everyone who uses the same store.
  ['a blob that is the tar', { 'target.layers.0.blob.from': 'tar' }, 'CORRUPT_INPUT', /said to be its tar/],
  ['a blob that is carried', { 'target.layers.0.blob.from': 'carried' }, 'CORRUPT_INPUT', /does not carry/],
  ['a blob from nowhere', { 'target.layers.0.blob.from': 'moon' }, 'CORRUPT_INPUT', /from "moon"/],
  ['no blob to be exact about', { 'target.layers.0.blob.from': 'none' }, 'UNSUPPORTED', /--no-blobs/],
  [
    'a tar of another size',
    { 'target.layers.0.size': 1024 },
    'CORRUPT_INPUT',
    /not the base layer it comes from/,
  ],
];

const COPYING_ROWS: readonly Row[] = [
  ['no blobs of the base', { 'base.blobs': [] }, 'CORRUPT_INPUT', /base's blobs were not opened/],
  [
    'a blob that the base lacks',
    { 'base.blobs.0.digest': ZEROS },
    'BASE_MISMATCH',
    /lacks? .*|does not have/,
  ],
  ['a blob of another size', { 'base.blobs.0.size': 7 }, 'BASE_MISMATCH', /the patch says 7/],
  ['blobs larger than any number', { 'base.blobs.0.size': HUGE + 1 }, 'CORRUPT_INPUT', /size is/],
  ['blobs that are no list', { 'base.blobs': 7 }, 'CORRUPT_INPUT', /base.blobs is not an array/],
  ['a base that no layer is read of', { 'base.layers': [] }, 'CORRUPT_INPUT', /reads no layer/],
  ['no copies', { 'target.layers.0.streams': [] }, 'CORRUPT_INPUT', /does not say what its blob copies/],
  [
    'a blob that is carried',
    { 'target.layers.0.blob.from': 'carried' },
    'CORRUPT_INPUT',
    /carries its blob as well/,
  ],
  ['a tar that is unpacked', { 'target.layers.0.from': 'blob' }, 'CORRUPT_INPUT', /blob that is not carried/],
  [
    'a digest that is another',
    { 'target.layers.0.blob.digest': ZEROS },
    'CORRUPT_INPUT',
    /not those of the target/,
  ],
];

test.each(COPYING_ROWS)('a patch with copies that says: %s', async (_, lies, code, message) => {
  const error = await refusal(copying, await lying(copying.patch, lies), 'oci');
  expect({ code: error.code, message: error.message }).toEqual({
    code,
    message: expect.stringMatching(message),
  });
});

test.each(SHARING_ROWS)('a patch with a blob of the base that says: %s', async (_, lies, code, message) => {
  const error = await refusal(sharing, await lying(sharing.patch, lies), 'oci');
  expect({ code: error.code, message: error.message }).toEqual({
    code,
    message: expect.stringMatching(message),
  });
});

describe.each([
  ['a delta', delta, DELTA_ROWS],
  ['no manifest', classic, CLASSIC_ROWS],
  ['a carried blob', carrying, CARRYING_ROWS],
] as const)('a patch with %s that says', (_, victim, rows) => {
  test.each(rows)('%s', async (_what, lies, code, message) => {
    const error = await refusal(victim, await lying(victim.patch, lies));
    expect({ code: error.code, message: error.message }).toEqual({
      code,
      message: expect.stringMatching(message),
    });
  });
});

describe('what is only told to people', () => {
  test.each([
    { writer: 'somebody else 9' },
    { 'base.name': 'another:1' },
    { 'target.name': '../../etc/passwd' },
    { 'target.platform': { os: 'plan9', architecture: 'pdp11' } },
    { unknown: { field: 1 } },
  ])('%o changes nothing of the image', async (lies) => {
    const patch = await lying(delta.patch, lies);
    for (const form of FILE_FORMS) expect(await attempt(delta, patch, form)).toBeUndefined();
    const [told, lied] = [workshop.newPath('told.tar'), workshop.newPath('lied.tar')];
    await applyTo(workshop, delta.patch, delta.base, `docker-archive:${told}`);
    await applyTo(workshop, patch, delta.base, `docker-archive:${lied}`);
    expectBytes(readFileSync(lied), readFileSync(told), 'the archive');
  });
});

test.each([
  ['nothing', ''],
  ['a list', '[]'],
  ['a word', '"didiff"'],
  ['no number', '{"memory":NaN}'],
  ['a text cut off', '{"writer":"didiff'],
  ['deep nesting', '['.repeat(100_000)],
  ['40 MB of blanks', ' '.repeat(40 << 20)],
])('a header that is %s', async (_, text) => {
  expect(await refusal(delta, await withHeader(delta.patch, text))).toMatchObject({ code: 'CORRUPT_INPUT' });
});

test.each([
  ['nothing', new Uint8Array(0)],
  ['something else', Buffer.from('{}')],
  ['100 MB of zeros', new Uint8Array(100 << 20)],
])('documents that are %s', async (_, documents) => {
  const error = await refusal(delta, await withDocuments(delta.patch, documents));
  expect(error.code).toBe('CORRUPT_INPUT');
});

test('an index that does not name the image is not taken as its name', async () => {
  const others = buildIndex([buildImage({ seed: 88, layers: [] })]).index;
  const { config, manifest } = delta.image;
  const lie = await lying(delta.patch, {
    'target.documents.2': {
      role: 'index',
      mediaType: others.mediaType,
      digest: others.digest,
      size: others.bytes.length,
    },
  });
  const documents = Buffer.concat([config.bytes, manifest.bytes, others.bytes]);
  const error = await refusal(delta, await withDocuments(lie, documents), 'oci');
  expect(error).toMatchObject({ code: 'CORRUPT_INPUT', message: expect.stringContaining('does not name') });
});
