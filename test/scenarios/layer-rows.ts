/** What happens to layers: their number, order and compression, and tars that are unlike the common ones. */
import { constants, gzipSync } from 'node:zlib';
import { encodeTarHeader } from '../../src/tar/encode.ts';
import type { LayerSpec } from '../fixtures/images.ts';
import { seededBytes, seededText } from '../fixtures/random.ts';
import { bytes, extension, GNU, file as header, patched, record } from '../fixtures/tar.ts';
import { TAR_END } from '../fixtures/tar-header.ts';
import {
  edited,
  FRAME,
  file,
  layer,
  plain,
  type Scenario,
  scenario,
  storeAsGzip,
  withBlob,
} from './scenario.ts';

const A = layer(file('a/noise', seededBytes(21, 20_000)), file('a/text', seededText(21, 9000)));
const B = layer(file('b/noise', seededBytes(22, 20_000)), file('b/text', seededText(22, 9000)));
const C = layer(file('c/noise', seededBytes(23, 20_000)));
const NOTHING = plain(TAR_END);
const NO_BYTES = plain(new Uint8Array(0));
const as = (compression: 'gzip' | 'zstd' | 'none', spec: LayerSpec): LayerSpec => ({ ...spec, compression });

const LAYERS: readonly Scenario[] = [
  scenario('the same layers under another config', [A, B], [A, B]),
  scenario('layers change their order', [A, B, C], [C, A, B]),
  scenario('a layer comes twice', [A, B], [A, B, A]),
  scenario('an empty layer is added', [A], [A, NOTHING]),
  scenario('a layer of no bytes at all is added', [A], [NO_BYTES, A]),
  scenario('only a layer of no bytes is there', [NO_BYTES], [NOTHING]),
  scenario('two layers become one', [A, B], [layer(...entriesOf('a', 21), ...entriesOf('b', 22))]),
  scenario(
    'files are taken away by whiteouts',
    [A, B],
    [A, layer({ name: 'a/.wh.noise', type: '0' }, { name: 'b/.wh..wh..opq', type: '0' })],
    [FRAME, 26_000],
  ),
];

const GZIP = [as('gzip', A), as('gzip', B)];
/** Where an encoder is not known, the whole blob. */
const CARRIED = 33_000;
const BLOBS: readonly Scenario[] = [
  scenario('layers are compressed otherwise: not at all, and gzip', [A, B], GZIP, [2 * CARRIED, FRAME]),
  // What is stored in a zstd frame of raw blocks compresses no better when it is carried.
  scenario('a layer is packed as zstd', [A, B], [A, as('zstd', B)], [CARRIED, FRAME]),
  scenario('a changed layer is packed as zstd', [A], [as('zstd', changed(21))], [CARRIED, FRAME]),
  ...[1, 4, 9].map((level) => {
    const made = scenario(`gzip of level ${level}`, [A], [changed(21)], [CARRIED, FRAME]);
    return { ...made, target: withBlob(made.target, (tar) => gzipSync(tar, { level })) };
  }),
  unknownEncoder(),
  severalMembers(),
];

/** The same files as A or B, with one byte of the first changed. */
function changed(seed: number): LayerSpec {
  const [noise, text] = entriesOf('a', seed);
  return layer({ ...noise!, content: edited(noise!.content!, { 7: 7 }) }, text!);
}

function entriesOf(folder: string, seed: number) {
  return [file(`${folder}/noise`, seededBytes(seed, 20_000)), file(`${folder}/text`, seededText(seed, 9000))];
}

function unknownEncoder(): Scenario {
  const made = scenario('gzip by an encoder that nobody knows', [A], [changed(21)], [CARRIED, FRAME]);
  return { ...made, target: withBlob(made.target, storeAsGzip) };
}

/** Flushes make what parallel and seekable encoders make. */
function severalMembers(): Scenario {
  const made = scenario('gzip of several members, with flushes', [A], [changed(21)], [CARRIED, FRAME]);
  const compress = (tar: Uint8Array) =>
    Buffer.concat([
      gzipSync(tar.subarray(0, 9999)),
      gzipSync(tar.subarray(9999), { finishFlush: constants.Z_FINISH }),
    ]);
  return { ...made, target: withBlob(made.target, compress) };
}

const NOISE = seededBytes(24, 12_000);
const raw = (...parts: readonly (Uint8Array | string)[]): LayerSpec => plain(bytes(...parts));
const BODY = header({ path: 'app/data' }, Buffer.from(NOISE).toString('latin1'));
const EDITED = header({ path: 'app/data' }, Buffer.from(edited(NOISE, { 100: 1 })).toString('latin1'));

/** Old GNU sparse: a header of type S, whose byte 482 says that a block of the map follows. */
const SPARSE = bytes(
  patched(encodeTarHeader({ path: 'app/disk', sizeBytes: 1024 }), { ...GNU, 156: 'S', 482: '\x01' }),
  new Uint8Array(512),
  NOISE.subarray(0, 1024),
);
const PAX_SPARSE = bytes(
  extension(
    'x',
    record('GNU.sparse.major', '1') +
      record('GNU.sparse.name', 'app/holes') +
      record('GNU.sparse.realsize', '9999'),
  ),
  header(
    { path: 'app/GNUSparseFile.0/holes' },
    `1\n0\n1024\n${'\0'.repeat(503)}${Buffer.from(NOISE.subarray(0, 1024)).toString('latin1')}`,
  ),
);

const TARS: readonly Scenario[] = [
  scenario(
    'bytes after the end of the archive',
    [raw(BODY, TAR_END)],
    [raw(EDITED, TAR_END, 'what is this?', new Uint8Array(9000), NOISE.subarray(0, 700))],
    [3 * FRAME, FRAME],
  ),
  scenario('no end of the archive', [raw(BODY, TAR_END)], [raw(EDITED)]),
  scenario(
    'cut off in the middle of a file',
    [raw(BODY, TAR_END)],
    [raw(BODY.subarray(0, 7000))],
    [FRAME, 8000],
  ),
  scenario('cut off in the middle of a header', [raw(BODY, TAR_END)], [raw(EDITED, BODY.subarray(0, 300))]),
  scenario(
    'no tar at all',
    [raw(BODY, TAR_END)],
    [raw('just text, as in a damaged layer')],
    [FRAME, NOISE.length + FRAME],
  ),
  scenario(
    'a padding that is not zero',
    [raw(BODY, TAR_END)],
    [raw(EDITED.subarray(0, -100), 'x'.repeat(100), TAR_END)],
  ),
  scenario('PAX records and long names', [layer(...odd(1))], [layer(...odd(2))], [2 * FRAME, 2 * FRAME]),
  scenario(
    'names that are not UTF-8, and GNU long names',
    [raw(header({ path: 'caf\xe9/\xff\xfe' }, Buffer.from(NOISE).toString('latin1')), TAR_END)],
    [
      raw(
        extension('L', `caf\xe9/${'lang/'.repeat(40)}\xff\xfe\0`),
        header({ path: 'caf\xe9/cut' }, Buffer.from(NOISE).toString('latin1')),
        TAR_END,
      ),
    ],
  ),
  scenario(
    'sparse files',
    [raw(SPARSE, PAX_SPARSE, TAR_END)],
    [raw(PAX_SPARSE, SPARSE, BODY, TAR_END)],
    [NOISE.length + FRAME, FRAME],
  ),
  scenario('sizes in base 256', [raw(BODY, TAR_END)], [raw(base256(), TAR_END)]),
];

function odd(variant: number) {
  return [
    file(`app/${'deep/'.repeat(40)}${variant}`, NOISE, {
      pax: { 'SCHILY.xattr.user.note': `variant ${variant}`, mtime: `170000000${variant}.5` },
    }),
    file('app/grüße-日本', NOISE.subarray(0, 600), { pax: { comment: 'x'.repeat(700 * variant) } }),
  ];
}

/** The header of BODY with its size as GNU tar writes large ones (top bit set, big-endian). */
function base256(): Uint8Array {
  const size = Buffer.alloc(12);
  size[0] = 0x80;
  size.writeUInt32BE(NOISE.length, 8);
  return bytes(patched(BODY.subarray(0, 512), { 124: size.toString('latin1') }), BODY.subarray(512));
}

export const LAYER_SCENARIOS: readonly Scenario[] = [...LAYERS, ...BLOBS, ...TARS];
