/** The demo on stores that need no engine: OCI layouts and an archive as of `docker save`. */
import { copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeLayout } from './images.mjs';
import { compare, didiff, formatBytes, say, title } from './show.mjs';
import { digestOfTree, digestsOfArchive, digestsOfLayout } from './verify.mjs';

/** Exit codes of docs/cli.md. */
const CORRUPT_INPUT = 7;
const BASE_MISMATCH = 9;

export async function runEmbedded(directory, images) {
  writeLayout(join(directory, 'sender'), [
    ['app-1.0', images.old],
    ['app-1.1', images.new],
  ]);
  writeLayout(join(directory, 'receiver'), [
    ['app-1.0', images.old],
    ['app-hotfix', images.hotfix],
  ]);
  await makePatch(directory, images);
  await refuseMistakes(directory);
  await applyToLayout(directory, images.new);
  await applyToArchive(directory, images.new);
}

async function makePatch(directory, images) {
  title('Sender: one patch from 1.0 to 1.1');
  compare(
    'exit code',
    await didiff(directory, 'create', 'oci:sender:app-1.0', 'oci:sender:app-1.1', 'app.didiff'),
    0,
  );
  const patchBytes = statSync(join(directory, 'app.didiff')).size;
  const pullBytes = images.new.layers
    .filter(({ digest }) => images.old.layers.every((layer) => layer.digest !== digest))
    .reduce((sum, { blob }) => sum + blob.length, 0);
  const times = Math.round(pullBytes / patchBytes);
  say(`A pull moves ${formatBytes(pullBytes)}, the patch ${formatBytes(patchBytes)}: one part in ${times}.`);
  compare('smaller than a pull', patchBytes < pullBytes ? 'yes' : 'no', 'yes');
}

async function refuseMistakes(directory) {
  const receiver = join(directory, 'receiver');
  const before = digestOfTree(receiver);
  const applyTo = (patch, base) =>
    didiff(directory, 'apply', patch, '--base', `oci:receiver:${base}`, '--to', 'oci:receiver:app-1.1');

  title('Receiver: a mistake, the base is not the image the patch was made from');
  compare('refused, exit code', await applyTo('app.didiff', 'app-hotfix'), BASE_MISMATCH);

  title('Receiver: a patch that was damaged on its way (one bit)');
  copyFileSync(join(directory, 'app.didiff'), join(directory, 'damaged.didiff'));
  const bytes = readFileSync(join(directory, 'damaged.didiff'));
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(join(directory, 'damaged.didiff'), bytes);
  compare('refused, exit code', await applyTo('damaged.didiff', 'app-1.0'), CORRUPT_INPUT);
  compare('receiver untouched', digestOfTree(receiver), before);
}

async function applyToLayout(directory, expected) {
  title('Receiver: the right base, into its OCI layout');
  const args = ['app.didiff', '--base', 'oci:receiver:app-1.0'];
  compare('applies, exit code', await didiff(directory, 'check', ...args), 0);
  compare('exit code', await didiff(directory, 'apply', ...args, '--to', 'oci:receiver:app-1.1'), 0);
  say("Hashed again by the demo itself, beside the sender's:");
  for (const row of digestsOfLayout(join(directory, 'receiver'), 'app-1.1', expected)) compare(...row);
}

async function applyToArchive(directory, expected) {
  title('Receiver: the same patch into an archive for `docker load`');
  const args = ['--base', 'oci:receiver:app-1.0', '--to', 'docker-archive:app.tar', '-t', 'app:1.1'];
  compare('exit code', await didiff(directory, 'apply', 'app.didiff', ...args), 0);
  for (const row of digestsOfArchive(join(directory, 'app.tar'), expected)) compare(...row);
}
