/**
 * Turns what was measured into docs/benchmarks.md, and holds it to what is written down: the sizes of bench/sizes.json,
 * which only change on purpose, and the memory that create and apply may take.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { isLocal } from './cases.mjs';
import { SERIES } from './local.mjs';
import { machine } from './measure.mjs';
import { PAIRS } from './pairs.mjs';

const SIZES = 'bench/sizes.json';
const DOCUMENT = 'docs/benchmarks.md';
/** What didiff may hold in memory at once, whatever the size of the image. */
const MAX_CREATE_BYTES = 205e6;
const MAX_APPLY_BYTES = 128e6;

/** Says which sizes differ from those written down, and writes the new ones down. */
export function updateSizes(results) {
  const known = existsSync(SIZES) ? JSON.parse(readFileSync(SIZES, 'utf8')) : {};
  for (const { name, rows } of results) {
    if (isLocal(name)) continue;
    for (const { tool, patchBytes } of rows) {
      if (patchBytes === undefined) continue;
      known[name] ??= {};
      tellChange(`${name}, ${tool}`, known[name][tool], patchBytes);
      known[name][tool] = patchBytes;
    }
  }
  writeFileSync(SIZES, `${JSON.stringify(known, null, 2)}\n`);
}

function tellChange(what, before, now) {
  if (before === now) return;
  if (before === undefined) return console.log(`new size: ${what}: ${now}`);
  const percent = ((now / before - 1) * 100).toFixed(2);
  console.log(`size changed: ${what}: ${before} → ${now} (${now > before ? '+' : ''}${percent} %)`);
}

/** What is over its ceiling, in words. */
export function findBreaches(results) {
  return results.flatMap(({ name, rows }) =>
    rows
      .filter(isOurs)
      .flatMap(({ tool, create, apply }) => [
        ...breach(`${name}, ${tool}, create`, create?.peakBytes, MAX_CREATE_BYTES),
        ...breach(`${name}, ${tool}, apply`, apply?.peakBytes, MAX_APPLY_BYTES),
      ]),
  );
}

function breach(what, bytes, ceiling) {
  return bytes > ceiling
    ? [`${what}: ${megabytes(bytes)} MB of memory; ${megabytes(ceiling)} is the most`]
    : [];
}

function isOurs({ tool }) {
  return tool.startsWith('didiff');
}

/** One case as a Markdown table. */
export function tableOf({ old: older, new: newer, rows }) {
  const lines = [
    ...sentencesOf(older, newer),
    '',
    ...head(
      '| | patch, bytes | create, s | processor, s | memory, MB | apply, s | processor, s | memory, MB |',
    ),
  ];
  for (const { tool, skipped, patchBytes, create, apply, isKept } of rows) {
    const cells =
      skipped === undefined ? [grouped(patchBytes), ...costs(create), ...costs(apply)] : [`– (${skipped})`];
    lines.push(line([isKept ? `${tool} *` : tool, ...cells, ...Array(7 - cells.length).fill('')]));
  }
  return lines.join('\n');
}

function sentencesOf(older, newer) {
  const archives = `Archives of ${grouped(older.archiveBytes)} and ${grouped(newer.archiveBytes)} bytes`;
  if (older.fileBytes === undefined) return [`${archives}.`];
  return [
    `${archives}; the other tools get the one file in them,`,
    `${grouped(older.fileBytes)} and ${grouped(newer.fileBytes)} bytes.`,
  ];
}

/** Title and ruler of a table: all columns but the first are numbers. */
function head(titles) {
  return [titles, `|---|${'--:|'.repeat(titles.split('|').length - 3)}`];
}

function line(cells) {
  return `| ${cells.join(' | ')} |`;
}

function costs({ wallSeconds, cpuSeconds, peakBytes }) {
  return [wallSeconds.toFixed(1), cpuSeconds.toFixed(1), megabytes(peakBytes)];
}

function megabytes(bytes) {
  return (bytes / 1e6).toFixed(0);
}

function grouped(count) {
  return count.toLocaleString('en');
}

/** All cases side by side: the default effort beside the peers. */
function overviewOf(results) {
  const lines = head(
    '| | image, MB | didiff, bytes | of bsdiff | of the best peer | apply, processor s | of bspatch | memory, MB |',
  );
  for (const { name, new: newer, rows } of results) {
    const row = (tool) => rows.find((each) => each.tool === tool && each.patchBytes !== undefined);
    const ours = row('didiff');
    const peers = rows.filter((each) => !isOurs(each) && each.patchBytes !== undefined);
    const best = Math.min(...peers.map(({ patchBytes }) => patchBytes));
    const bsdiff = row('bsdiff');
    lines.push(
      line([
        name,
        megabytes(newer.archiveBytes),
        grouped(ours.patchBytes),
        times(ours.patchBytes, bsdiff?.patchBytes),
        times(ours.patchBytes, peers.length > 0 ? best : undefined),
        ours.apply.cpuSeconds.toFixed(1),
        times(ours.apply.cpuSeconds, bsdiff?.apply.cpuSeconds, 1),
        megabytes(ours.apply.peakBytes),
      ]),
    );
  }
  return lines.join('\n');
}

function times(ours, theirs, digits = 2) {
  return theirs ? `${(ours / theirs).toFixed(digits)} ×` : '';
}

/** The series, a line for each size and effort: what a hundred megabytes take should not grow. */
function seriesOf(results) {
  const lines = head(
    '| | archive, MB | create, s | processor, s | processor s per 100 MB | memory, MB | apply, processor s | memory, MB |',
  );
  for (const { new: newer, rows } of results)
    for (const { tool, create, apply } of rows) {
      const perHundred = (create.cpuSeconds / newer.archiveBytes) * 100e6;
      const [wall, processor, memory] = costs(create);
      const [, ...applying] = costs(apply);
      lines.push(
        line([
          tool,
          megabytes(newer.archiveBytes),
          wall,
          processor,
          perHundred.toFixed(1),
          memory,
          ...applying,
        ]),
      );
    }
  return lines.join('\n');
}

export function writeDocument(results) {
  const series = results.filter(({ name }) => SERIES.includes(name));
  const cases = results.filter(({ name }) => !SERIES.includes(name));
  const kept = new Set(
    results.flatMap(({ rows }) => rows.filter(({ isKept }) => isKept)).map((row) => row.machine),
  );
  const text = `# Benchmarks

Written by \`npm run bench\`; changes by hand are lost. Machine: ${machine()}.

Every number is of whole processes, from start to end: wall time, processor time (user and system, all threads), and
the most memory held at once. All tools of a case ran one after the other, on the same two images in the form of
\`docker save\`, and what each patch yielded was compared with the newer image. MB are 10^6 bytes. On a machine that
others use too, processor time says more than wall time.

- **didiff** ships what a classic engine or an archive needs: the layers and the config, exact by digest.
- **didiff, exact blobs** reads the same images from an OCI layout: the patch also makes the compressed layers and
  the manifest exact, for registries and for engines with the containerd store.
- **bsdiff**, **xdelta3** and **zstd** see one file each, and yield that file. With them, both sides need the very bytes of
  the older archive, which two runs of \`docker save\` do not always give.
${[...kept].map((where) => `\nRows with a * were measured in an earlier run, on ${where}; their wall times are not to be held against the others'.\n`).join('')}
didiff holds at most ${megabytes(MAX_CREATE_BYTES)} MB while it creates and ${megabytes(MAX_APPLY_BYTES)} MB while it applies, whatever the image; a run
that finds more fails.

## At a glance

The default effort beside the others: its bytes as a part of theirs, and the processor time of applying as a multiple of
bspatch's. A case named \`-file\` is one executable in an image; the others are compared on that file alone.

${overviewOf(cases)}

${cases.map((result) => `## ${result.name}\n\n${describe(result.name)}${tableOf(result)}\n`).join('\n')}
${series.length > 0 ? `## Growth\n\n${SERIES_TEXT}\n\n${seriesOf(series)}\n\n` : ''}## How to run it

\`\`\`
DIDIFF_IMAGES=path/to/oci-layout npm run bench              # all cases
DIDIFF_IMAGES=path/to/oci-layout npm run bench -- nginx     # some
npm run bench -- --keep-peers                               # only didiff; the others' rows stay as they were measured
npm run bench -- large                                      # needs no images, and 5 GB of disk
\`\`\`

A case is a pair of references \`NAME-old\` and \`NAME-new\` in the layout, or two versions of published software, which
are fetched with \`apt-get\` (of Debian 12; nothing is installed) and \`npm\`; a version that its mirror has no more is
skipped. \`node bench/make-pairs.mjs DIRECTORY\` makes these images for other use. Needed from Debian: \`time\`; \`bsdiff\`,
\`xdelta3\` and \`zstd\` are left out where they are not installed. Sizes are kept in \`bench/sizes.json\`; a run says which
of them changed. What the peers took is kept in \`bench/peers.json\`.
`;
  writeFileSync(DOCUMENT, text);
}

const SERIES_TEXT = `Images made of the machine's files like the large one, of files up to 4 MB. Sizes of patches are left out: they are
those of one machine.`;

function describe(name) {
  if (isLocal(name))
    return 'Made of real files of the machine, 47 of 1,000 of them edited, added, removed or moved; so its sizes are those of one machine.\n\n';
  return name in PAIRS ? `${PAIRS[name].title}\n\n` : '';
}
