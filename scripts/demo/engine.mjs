/**
 * The demo through a container engine, where one answers: both images are loaded, the patch is made from the engine, the
 * target is removed, and apply brings it back with the same ID. What was added is removed again, whatever happens.
 */
import { inspectImage } from '../../dist/stores/engine/images.js';
import { openEngine } from '../../dist/stores/engine/kind.js';
import { startLoad } from '../../dist/stores/engine/load.js';
import { removeImage } from '../../dist/stores/engine/tags.js';
import { layoutFiles } from './images.mjs';
import { compare, didiff, say, title } from './show.mjs';

const REPOSITORY = 'didiff-demo';
const OLD = `${REPOSITORY}:1.0`;
const NEW = `${REPOSITORY}:1.1`;
const ANSWER_MS = 10_000;

/** The engine the docker CLI would use; undefined, and said why, when none answers. */
export async function findEngine() {
  try {
    return await openEngine({ signal: AbortSignal.timeout(ANSWER_MS) });
  } catch (error) {
    title('No container engine answers, so the engine part is left out');
    say(error.message);
    return undefined;
  }
}

export async function runEngine(engine, directory, images, signal) {
  title(`Through the engine: ${engine.product} at ${engine.address}`);
  for (const name of [OLD, NEW]) {
    if ((await inspectImage(engine, name, signal)) === undefined) continue;
    throw new Error(`the engine has an image ${name} already; remove it first: docker image rm ${name}`);
  }
  try {
    await load(engine, OLD, images.old, signal);
    await load(engine, NEW, images.new, signal);
    await updateEngine(engine, directory, images.new, signal);
  } finally {
    for (const name of [OLD, NEW]) await removeImage(engine, name, undefined);
    const left = await Promise.all([OLD, NEW].map((name) => inspectImage(engine, name, undefined)));
    compare('images left behind', left.filter((image) => image !== undefined).length, 0);
  }
}

async function updateEngine(engine, directory, expected, signal) {
  const loaded = await inspectImage(engine, NEW, signal);
  say(`Loaded ${OLD} and ${NEW}; a patch between them:`);
  compare('exit code', await didiff(directory, 'create', OLD, NEW, 'engine.didiff'), 0);
  await removeImage(engine, NEW, signal);
  const isGone = (await inspectImage(engine, NEW, signal)) === undefined;
  compare('1.1 removed again', isGone ? 'yes' : 'no', 'yes');
  compare('exit code', await didiff(directory, 'apply', 'engine.didiff', '-t', NEW), 0);
  const applied = await inspectImage(engine, NEW, signal);
  compare('image ID as before', applied?.id, loaded?.id);
  // What an ID is the digest of depends on the engine's store.
  const { manifest, config } = expected;
  compare('image ID as built', applied?.id, (engine.kind === 'containerd' ? manifest : config).digest);
  expected.layers.forEach(({ diffId }, position) => {
    compare(`layer ${position}`, applied?.diffIds[position], diffId);
  });
}

/** An archive that every engine understands: an OCI layout with the manifest.json of `docker save` beside it. */
async function load(engine, name, image, signal) {
  const [, tag] = name.split(':');
  const files = layoutFiles([[tag, image, { 'io.containerd.image.name': `docker.io/library/${name}` }]]);
  const pathOf = (digest) => `blobs/sha256/${digest.slice(7)}`;
  const saved = {
    Config: pathOf(image.config.digest),
    RepoTags: [name],
    Layers: image.layers.map(({ digest }) => pathOf(digest)),
  };
  files.set('manifest.json', Buffer.from(JSON.stringify([saved])));
  const loading = startLoad(engine, signal);
  try {
    for (const [path, bytes] of files) await loading.putFile(path, bytes.length, [bytes]);
    await loading.finish();
  } finally {
    loading.destroy();
  }
}
