/**
 * What is measured: the pairs `NAME-old`, `NAME-new` of the OCI layout that DIDIFF_IMAGES names, which are the same for
 * everybody who has the layout, and `large`, made of this machine's files. Archives are kept in bench/.work.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeLargePair } from './large.mjs';
import { measure } from './measure.mjs';
import { archive, didiff, didiffApply } from './peers.mjs';

export const WORK = 'bench/.work';
export const LARGE = 'large';

/** Names of all cases there are here, `large` last. */
export function listCases() {
  const names = refsOf(imagesDirectory()).map(({ ref }) => ref);
  const pairs = names.filter((name) => name.endsWith('-old')).map((name) => name.slice(0, -'-old'.length));
  return [...pairs.filter((name) => names.includes(`${name}-new`)).sort(), LARGE];
}

/** The two archives of a case and their sizes, and where the images come from. */
export async function openCase(name) {
  mkdirSync(WORK, { recursive: true });
  const [oldArchive, newArchive] = ['old', 'new'].map((side) => join(WORK, `${name}-${side}.tar`));
  const references = name === LARGE ? {} : await convertPair(name, oldArchive, newArchive);
  if (name === LARGE) await makeLarge(oldArchive, newArchive);
  const sizes = { oldBytes: statSync(oldArchive).size, newBytes: statSync(newArchive).size };
  return { name, oldArchive, newArchive, ...references, ...sizes };
}

async function makeLarge(oldArchive, newArchive) {
  if (existsSync(oldArchive) && existsSync(newArchive)) return;
  console.log('making the large pair …');
  const raw = [oldArchive, newArchive].map((path) => `${path}.raw`);
  writeLargePair(...raw);
  for (const path of raw) {
    await rewrite(archive(path), path.slice(0, -'.raw'.length));
    rmSync(path);
  }
}

async function convertPair(name, oldArchive, newArchive) {
  const directory = imagesDirectory();
  const reference = (side) => `oci:${directory}:${name}-${side}`;
  await convert(directory, `${name}-old`, oldArchive);
  await convert(directory, `${name}-new`, newArchive);
  return { oldReference: reference('old'), newReference: reference('new') };
}

/** Once for each manifest. */
async function convert(directory, ref, path) {
  const { digest } = refsOf(directory).find((entry) => entry.ref === ref);
  const note = `${path}.digest`;
  if (existsSync(path) && existsSync(note) && readFileSync(note, 'utf8') === digest) return;
  await rewrite(`oci:${directory}:${ref}`, path);
  writeFileSync(note, digest);
}

/** Writes an image as the archive that applying would write, by way of a patch from it to itself. */
async function rewrite(image, path) {
  const patch = `${path}.didiff`;
  await measure(didiff('create', '--no-blobs', image, image, patch));
  rmSync(path, { force: true });
  await measure(didiffApply(patch, image, path));
  rmSync(patch);
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
