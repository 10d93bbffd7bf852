/** The pairs whose patches have committed sizes. All is made from seeds; no blobs, so that no gzip encoder plays a part. */
import { archiveFiles, bitcodeFiles, stringsFiles } from '../fixtures/archives.ts';
import { buildImage, type FixtureImage } from '../fixtures/images.ts';
import { listedFiles } from '../fixtures/listed.ts';
import { seededBytes, seededNoise, seededText } from '../fixtures/random.ts';
import { cdsVersions } from '../predict/build-cds.ts';
import { programVersions } from '../predict/versions.ts';
import { file, layer } from '../scenarios/scenario.ts';

export interface GoldenPair {
  readonly name: string;
  readonly base: FixtureImage;
  readonly target: FixtureImage;
}

const pair = (
  name: string,
  base: Parameters<typeof buildImage>[0]['layers'],
  target: typeof base,
): GoldenPair => ({
  name,
  base: buildImage({ seed: 1, label: 'base', layers: base }),
  target: buildImage({ seed: 1, label: 'target', layers: target }),
});

/** A program whose addresses all moved: every fourth word of 32 bits is larger by one number. */
function relocated(bytes: Uint8Array): Uint8Array {
  const moved = Buffer.from(bytes);
  for (let at = 0; at + 4 <= moved.length; at += 16)
    moved.writeUInt32LE((moved.readUInt32LE(at) + 0x1240) >>> 0, at);
  return moved;
}

/** Text of which about one line in `every` is another. */
function rewritten(seed: number, text: Uint8Array, every: number): Uint8Array {
  const lines = Buffer.from(text).toString().split('\n');
  return Buffer.from(
    lines.map((line, at) => (at % every === 0 ? `${line} // ${seed + at}` : line)).join('\n'),
  );
}

const X86_64 = programVersions('x86-64');
const AARCH64 = programVersions('aarch64');
const CDS = cdsVersions();
const LIBRARY = seededNoise(31, 400_000);
const SOURCE = seededText(32, 300_000);
const tree = (count: number, variant: number) =>
  Array.from({ length: count }, (_, at) =>
    file(
      `usr/share/doc/package-${at}/changelog`,
      at % 5 === 0 ? rewritten(variant, seededText(40 + at, 4000), 9) : seededText(40 + at, 4000),
      {
        mtimeSeconds: 1_700_000_000 + at + variant * 86_400,
      },
    ),
  );

export const GOLDEN_PAIRS: readonly GoldenPair[] = [
  pair('nothing changed', [{ variant: 0 }], [{ variant: 0 }]),
  pair(
    'small layers',
    [{ files: 40 }, { seed: 7 }],
    [
      { files: 40, variant: 1 },
      { seed: 7, variant: 2 },
    ],
  ),
  pair(
    'text in some lines',
    [layer(file('app.js', SOURCE))],
    [layer(file('app.js', rewritten(1, SOURCE, 40)))],
  ),
  pair('new text', [layer(file('a', SOURCE))], [layer(file('b', seededText(33, 300_000)))]),
  pair(
    'a library relocated',
    [layer(file('lib/libx.so.1.2', LIBRARY))],
    [layer(file('lib/libx.so.1.3', relocated(LIBRARY)))],
  ),
  pair(
    'a library with parts put in',
    [layer(file('lib/x', LIBRARY))],
    [
      layer(
        file(
          'lib/x',
          Buffer.concat([
            LIBRARY.subarray(0, 90_000),
            seededBytes(34, 3000),
            LIBRARY.subarray(90_000, 300_000),
            LIBRARY.subarray(301_000),
          ]),
        ),
      ),
    ],
  ),
  pair('an executable with a function put in', [layer(file('x', X86_64[0]))], [layer(file('x', X86_64[1]))]),
  pair('the same for AArch64', [layer(file('x', AARCH64[0]))], [layer(file('x', AARCH64[1]))]),
  pair(
    'an archive of Java classes with a class put in',
    [layer(file('x', CDS[0]))],
    [layer(file('x', CDS[1]))],
  ),
  pair('a tree of many files', [layer(...tree(150, 0))], [layer(...tree(160, 1))]),
  pair(
    'a war, a wheel and gzip files',
    [layer(...archiveFiles(0).map(({ name, content }) => file(name, content)))],
    [layer(...archiveFiles(1).map(({ name, content }) => file(name, content)))],
  ),
  pair(
    'bitcode, by itself and in archives',
    [layer(...bitcodeFiles(0).map(({ name, content }) => file(name, content)))],
    [layer(...bitcodeFiles(1).map(({ name, content }) => file(name, content)))],
  ),
  pair(
    'text in JSON',
    [layer(...stringsFiles(0).map(({ name, content }) => file(name, content)))],
    [layer(...stringsFiles(1).map(({ name, content }) => file(name, content)))],
  ),
  pair(
    'lists of digests',
    [layer(...listedFiles(0, 120).map(({ name, content }) => file(name, content)))],
    [layer(...listedFiles(1, 120).map(({ name, content }) => file(name, content)))],
  ),
  pair('from nothing', [], [layer(file('a', SOURCE), file('b', seededBytes(35, 20_000)))]),
];
