/**
 * What is measured: the pairs `NAME-old`, `NAME-new` of the OCI layout that DIDIFF_IMAGES names, which are the same for
 * everybody who has the layout; pairs of published software, fetched when they are wanted; and images made of this
 * machine's files. All are kept in bench/.work, in the form of `docker save`.
 */
import { createHash } from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LOCAL_PAIRS, writeLocalSide } from './local.mjs';
import { measure } from './measure.mjs';
import { makeSide, PAIRS } from './pairs.mjs';
import { archive, didiff, didiffApply } from './peers.mjs';

export const WORK = 'bench/.work';
const DOWNLOADS = join(WORK, 'downloads');

/** Names of all cases there are here. */
export function listCases() {
  const names = refsOf(imagesDirectory()).map(({ ref }) => ref);
  const images = names.filter((name) => name.endsWith('-old')).map((name) => name.slice(0, -'-old'.length));
  return [
    ...images.filter((name) => names.includes(`${name}-new`)).sort(),
    ...Object.keys(PAIRS),
    ...Object.keys(LOCAL_PAIRS),
  ];
}

/** Made of the files of one machine, a case has sizes that mean nothing on another. */
export function isLocal(name) {
  return name in LOCAL_PAIRS;
}

/**
 * The two archives of a case; for a case of one file that file as well, for one with blobs where they are. With their
 * sizes and one digest of all that tools read.
 * @throws Error when the case can't be had here
 */
export async function openCase(name) {
  mkdirSync(WORK, { recursive: true });
  const older = await openSide(name, 'old');
  const newer = await openSide(name, 'new');
  const inputs = createHash('sha256');
  for (const path of [older.archive, newer.archive, older.file, newer.file])
    if (path !== undefined) inputs.update(await digestOf(path));
  return { name, old: older, new: newer, inputs: inputs.digest('hex') };
}

async function openSide(name, side) {
  const path = join(WORK, `${name}-${side}.tar`);
  if (isLocal(name)) return openMade(path, LOCAL_PAIRS[name], (raw) => writeLocalSide(name, side, raw));
  if (!(name in PAIRS)) return openImage(`${name}-${side}`, path);
  const { file: hasFile, ...pair } = PAIRS[name];
  const file = hasFile && join(WORK, `${name}-${side}.bin`);
  const made = await openMade(path, { ...pair, hasFile }, (raw) =>
    makeSide(name, side, { archive: raw, file }, DOWNLOADS),
  );
  return file === undefined ? made : { ...made, file, fileBytes: statSync(file).size };
}

/** Once for each manifest. */
async function openImage(ref, path) {
  const directory = imagesDirectory();
  const { digest } = refsOf(directory).find((entry) => entry.ref === ref);
  const reference = `oci:${directory}:${ref}`;
  await once(path, digest, () => rewrite(reference, path));
  return { archive: path, archiveBytes: statSync(path).size, reference };
}

async function openMade(path, definition, make) {
  await once(path, JSON.stringify(definition), async () => {
    console.log(`making ${path} …`);
    const raw = `${path}.raw`;
    await make(raw);
    await rewrite(archive(raw), path);
    rmSync(raw);
  });
  return { archive: path, archiveBytes: statSync(path).size };
}

/** Makes what stands at `path`, unless it was made from the same. */
async function once(path, origin, make) {
  const note = `${path}.origin`;
  if (existsSync(path) && existsSync(note) && readFileSync(note, 'utf8') === origin) return;
  await make();
  writeFileSync(note, origin);
}

/** Writes an image as the archive that applying would write, by way of a patch from it to itself. */
async function rewrite(image, path) {
  const patch = `${path}.didiff`;
  await measure(didiff('create', '--no-blobs', '--effort', '1', image, image, patch));
  rmSync(path, { force: true });
  await measure(didiffApply(patch, image, path));
  rmSync(patch);
}

export async function digestOf(path) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

function imagesDirectory() {
  return process.env.DIDIFF_IMAGES || undefined;
}

function refsOf(directory) {
  if (directory === undefined) return [];
  const index = JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8'));
  return index.manifests.flatMap(({ digest, annotations }) => {
    const ref = annotations?.['org.opencontainers.image.ref.name'];
    return ref === undefined ? [] : [{ ref, digest }];
  });
}
