/** What happens to files between two versions of an image. Noise is what no coder shrinks: it must come from the base. */
import { archiveFiles, bitcodeFiles, manyEntries, stringsFiles } from '../fixtures/archives.ts';
import { seededBytes, seededText } from '../fixtures/random.ts';
import { edited, FRAME, file, layer, type Scenario, scenario } from './scenario.ts';

const NOISE = seededBytes(11, 40_000);
const OTHER = seededBytes(12, 30_000);
const TEXT = seededText(13, 20_000);
const KEPT = file('app/kept', OTHER);

const ONE_SIDED: readonly Scenario[] = [
  scenario(
    'a file is added',
    [layer(KEPT)],
    [layer(KEPT, file('app/new', NOISE))],
    [NOISE.length + FRAME, FRAME],
  ),
  scenario(
    'a file is replaced by another of the same path, binary instead of text',
    [layer(KEPT, file('app/data', TEXT))],
    [layer(KEPT, file('app/data', NOISE))],
    [NOISE.length + FRAME, TEXT.length / 2],
  ),
  scenario(
    'a file is emptied',
    [layer(file('app/log', NOISE))],
    [layer(file('app/log', new Uint8Array(0)))],
    [FRAME, NOISE.length + FRAME],
  ),
  scenario(
    'a file grows at its end',
    [layer(file('app/data', NOISE))],
    [layer(file('app/data', Buffer.concat([NOISE, OTHER])))],
    [OTHER.length + FRAME, FRAME],
  ),
  scenario(
    'a file grows at its beginning and in its middle',
    [layer(file('app/data', NOISE))],
    [
      layer(
        file(
          'app/data',
          Buffer.concat([OTHER.subarray(0, 999), NOISE.subarray(0, 7777), TEXT, NOISE.subarray(7777)]),
        ),
      ),
    ],
    [999 + TEXT.length / 2 + FRAME, FRAME],
  ),
  scenario(
    'images that share nothing',
    [layer(file('etc/a', NOISE), file('etc/b', TEXT))],
    [layer(file('opt/c', OTHER), file('opt/d', seededText(14, 20_000)))],
    [OTHER.length + 10_000 + FRAME, NOISE.length + 10_000 + FRAME],
  ),
  scenario(
    'an image without layers gets its first',
    [],
    [layer(file('app/data', NOISE))],
    [NOISE.length + FRAME, FRAME],
  ),
];

const TWO_SIDED: readonly Scenario[] = [
  scenario(
    'a file is renamed',
    [layer(KEPT, file('app/before', NOISE))],
    [layer(KEPT, file('srv/elsewhere/after', NOISE))],
  ),
  scenario(
    'a file of a version in its name is renamed and changed',
    [layer(file('lib/libx.so.1.2.3', NOISE), KEPT)],
    [layer(file('lib/libx.so.1.3.0', edited(NOISE, { 5: 1, 20000: 2, 39999: 3 })), KEPT)],
  ),
  scenario(
    'a file moves to another layer',
    [layer(KEPT, file('app/data', NOISE)), layer(file('app/note', TEXT))],
    [layer(KEPT), layer(file('app/note', TEXT), file('app/data', NOISE))],
  ),
  scenario(
    'one byte changes',
    [layer(KEPT, file('app/data', NOISE))],
    [layer(KEPT, file('app/data', edited(NOISE, { 12345: 0 })))],
  ),
  scenario(
    'every thousandth byte changes, the first and the last too',
    [layer(file('app/data', NOISE))],
    [
      layer(
        file(
          'app/data',
          NOISE.map((byte, at) => (at % 1000 === 0 || at === 39_999 ? byte ^ 255 : byte)),
        ),
      ),
    ],
  ),
  scenario(
    'a copy becomes a hard link',
    [layer(file('app/a', NOISE), file('app/b', NOISE))],
    [layer(file('app/a', NOISE), { name: 'app/b', type: '1', linkTarget: 'app/a' })],
  ),
  scenario(
    'a symbolic link points elsewhere',
    [layer(KEPT, { name: 'app/link', type: '2', linkTarget: 'kept' })],
    [layer(KEPT, { name: 'app/link', type: '2', linkTarget: `/${'far/'.repeat(30)}away` })],
  ),
  scenario(
    'a file becomes a directory of the same path',
    [layer(KEPT, file('app/x', new Uint8Array(0)))],
    [layer(KEPT, { name: 'app/x/', type: '5', mode: 0o755 })],
  ),
  scenario(
    'only times, owners and modes change',
    [layer(...files(60, 1_700_000_000, 0))],
    [layer(...files(60, 1_700_086_400, 1000))],
    [2 * FRAME, 2 * FRAME],
  ),
  scenario(
    'files change their order',
    [layer(...files(60, 1_700_000_000, 0))],
    [layer(...files(60, 1_700_000_000, 0).toReversed())],
    [2 * FRAME, 2 * FRAME],
  ),
  scenario(
    'one file becomes two, that together hold its content',
    [layer(file('app/whole', Buffer.concat([NOISE, OTHER])))],
    [layer(file('app/part-one', NOISE), file('app/part-two', OTHER))],
  ),
  scenario(
    'text changes in a few lines',
    [layer(file('app/main.js', TEXT))],
    [
      layer(
        file(
          'app/main.js',
          Buffer.concat([TEXT.subarray(0, 9000), Buffer.from('\n// note\n'), TEXT.subarray(9030)]),
        ),
      ),
    ],
  ),
  scenario(
    'lines change in an archive of thousands of entries',
    [layer(file('lib/ct.sym', manyEntries(0)))],
    [layer(file('lib/ct.sym', manyEntries(1)))],
    [12_000, 12_000],
  ),
  scenario(
    'lines change in what is compressed: in jars of wars, wheels, gzip files',
    [layer(...archiveFiles(0).map(({ name, content }) => file(name, content)))],
    [layer(...archiveFiles(1).map(({ name, content }) => file(name, content)))],
    [8000, 8000],
  ),
  scenario(
    'operands come and change in bitcode: by itself, behind a wrapper, in archives',
    [layer(...bitcodeFiles(0).map(({ name, content }) => file(name, content)))],
    [layer(...bitcodeFiles(1).map(({ name, content }) => file(name, content)))],
    [6000, 6000],
  ),
  scenario(
    'text that stands in JSON changes, and files of the base come in JSON',
    [layer(...stringsFiles(0).map(({ name, content }) => file(name, content)))],
    [layer(...stringsFiles(1).map(({ name, content }) => file(name, content)))],
    [1400, 1400],
  ),
  scenario(
    'a compressed archive changes, and has quite another name',
    [layer(file('opt/tool-linux.whl', archiveFiles(0)[1]!.content))],
    [layer(file('srv/package', archiveFiles(1)[1]!.content))],
    [6000, 6000],
  ),
];

function files(count: number, mtimeSeconds: number, uid: number) {
  return Array.from({ length: count }, (_, index) =>
    file(`app/file-${index}`, OTHER.subarray(index * 400, index * 400 + 300 + index), { mtimeSeconds, uid }),
  );
}

export const FILE_SCENARIOS: readonly Scenario[] = [...ONE_SIDED, ...TWO_SIDED];
