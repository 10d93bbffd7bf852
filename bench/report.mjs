/**
 * Turns what was measured into docs/benchmarks.md, and holds it to what is written down: the sizes of bench/sizes.json,
 * which only change on purpose, and the memory that create and apply may take.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { LARGE } from './cases.mjs';

const SIZES = 'bench/sizes.json';
const DOCUMENT = 'docs/benchmarks.md';
/** What didiff may hold in memory at once, whatever the size of the image. */
const MAX_CREATE_BYTES = 205e6;
const MAX_APPLY_BYTES = 128e6;

/** Says which sizes differ from those written down, and writes the new ones down. */
export function updateSizes(results) {
  const known = existsSync(SIZES) ? JSON.parse(readFileSync(SIZES, 'utf8')) : {};
  for (const { name, rows } of results) {
    // Made of the files of one machine, its sizes mean nothing on another.
    if (name === LARGE) continue;
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
      .filter(({ tool }) => tool.startsWith('didiff'))
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

/** One case as a Markdown table. */
export function tableOf({ oldBytes, newBytes, rows }) {
  const lines = [
    `Archives of ${grouped(oldBytes)} and ${grouped(newBytes)} bytes.`,
    '',
    '| | patch, bytes | create, s | processor, s | memory, MB | apply, s | processor, s | memory, MB |',
    '|---|--:|--:|--:|--:|--:|--:|--:|',
  ];
  for (const { tool, skipped, patchBytes, create, apply } of rows) {
    const cells =
      skipped === undefined ? [grouped(patchBytes), ...costs(create), ...costs(apply)] : [`– (${skipped})`];
    lines.push(`| ${[tool, ...cells, ...Array(7 - cells.length).fill('')].join(' | ')} |`);
  }
  return lines.join('\n');
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

export function writeDocument(results) {
  const machine = `${availableParallelism()} shared processor cores, ${(totalmem() / 1e9).toFixed(0)} GB of memory, Node ${process.versions.node}`;
  const text = `# Benchmarks

Written by \`npm run bench\`; changes by hand are lost. Machine: ${machine}.

Every number is of whole processes, from start to end: wall time, processor time (user and system, all threads), and
the most memory held at once. All tools of a case ran one after the other in one run, on the same two images in the form
of \`docker save\`, and what each patch yielded was compared with the newer image. MB are 10^6 bytes. On a machine
that others use too, processor time says more than wall time.

- **didiff** ships what a classic engine or an archive needs: the layers and the config, exact by digest.
- **didiff, exact blobs** reads the same images from an OCI layout: the patch also makes the compressed layers and
  the manifest exact, for registries and for engines with the containerd store.
- **bsdiff**, **xdelta3** and **zstd** see one file each, and yield that file. With them, both sides need the very bytes of
  the older archive, which two runs of \`docker save\` do not always give.

didiff holds at most ${megabytes(MAX_CREATE_BYTES)} MB while it creates and ${megabytes(MAX_APPLY_BYTES)} MB while it applies, whatever the image; a run
that finds more fails.

${results.map((result) => `## ${result.name}\n\n${describe(result.name)}${tableOf(result)}\n`).join('\n')}
## How to run it

\`\`\`
DIDIFF_IMAGES=path/to/oci-layout npm run bench              # all cases
DIDIFF_IMAGES=path/to/oci-layout npm run bench -- nginx     # some
npm run bench -- large                                      # needs no images, and 5 GB of disk
\`\`\`

A case is a pair of references \`NAME-old\` and \`NAME-new\` in the layout. Needed from Debian: \`time\`; \`bsdiff\`,
\`xdelta3\` and \`zstd\` are left out where they are not installed. Sizes are kept in \`bench/sizes.json\`; a run says which
of them changed.
`;
  writeFileSync(DOCUMENT, text);
}

function describe(name) {
  return name === LARGE
    ? 'Made of real files of the machine, 47 of 1,000 of them edited, added, removed or moved; so its sizes are those of one machine.\n\n'
    : '';
}
