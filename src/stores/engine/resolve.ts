/**
 * Finds the image a user means, as docker does: a name goes before an ID, an ID may be cut short as long as it stays
 * the only one that begins so.
 */
import { digestHex, isDigest, shortDigest } from '../../bytes/digest.ts';
import { DidiffError } from '../../errors.ts';
import { parseImageName } from '../../image/image-name.ts';
import { type InspectedImage, inspectImage, type ListedImage, listImages } from './images.ts';
import type { Engine } from './kind.ts';

const MAX_LISTED = 10;

/** Throws NOT_FOUND with a hint, or USAGE for an ambiguous ID (listing the candidates) or an impossible name. */
export async function resolveImage(
  engine: Engine,
  reference: string,
  signal?: AbortSignal,
): Promise<InspectedImage> {
  const whole = /^[0-9a-f]{64}$/.test(reference) ? `sha256:${reference}` : reference;
  const prefix = /^(?:sha256:)?([0-9a-f]{1,64})$/.exec(reference)?.[1];
  const named = isDigest(whole) || prefix === undefined;
  if (!isDigest(whole) && !reference.startsWith('sha256:')) parseImageName(reference);
  const image = named
    ? await inspectImage(engine, whole, signal)
    : await resolveShort(engine, reference, prefix, signal);
  if (image !== undefined) return image;
  throw notFound(engine, reference, await listImages(engine, signal));
}

/** What looks like the start of an ID may still be a name (`cafe`, `deadbeef`), which then counts. */
async function resolveShort(
  engine: Engine,
  reference: string,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<InspectedImage | undefined> {
  const images = await listImages(engine, signal);
  const candidates = images.filter((image) => digestHex(image.id).startsWith(prefix));
  // The engine's own answer is taken for names only: which of several IDs it would choose is not always said.
  if (
    !reference.startsWith('sha256:') &&
    images.some((image) => image.names.some((name) => isNamed(name, reference)))
  ) {
    return await inspectImage(engine, reference, signal);
  }
  if (candidates.length > 1) throw ambiguous(engine, reference, candidates);
  const [only] = candidates;
  return only === undefined ? undefined : await inspectImage(engine, only.id, signal);
}

function isNamed(name: string, reference: string): boolean {
  return [
    `${reference}:latest`,
    `docker.io/library/${reference}:latest`,
    `localhost/${reference}:latest`,
  ].includes(name);
}

function ambiguous(engine: Engine, reference: string, candidates: readonly ListedImage[]): DidiffError {
  const lines = candidates.slice(0, MAX_LISTED).map((image) => `  ${describe(image)}`);
  if (candidates.length > MAX_LISTED) lines.push(`  … and ${candidates.length - MAX_LISTED} more`);
  return new DidiffError(
    'USAGE',
    `${reference} is the start of ${candidates.length} image IDs of the engine at ${engine.address}:\n${lines.join('\n')}`,
    {
      hint: 'Give more digits of the ID, or a name.',
      data: { candidates: candidates.map(({ id, names }) => ({ id, names })) },
    },
  );
}

function describe(image: ListedImage): string {
  return `${shortDigest(image.id)}  ${image.names.length === 0 ? '(no name)' : image.names.join(', ')}`;
}

function notFound(engine: Engine, reference: string, images: readonly ListedImage[]): DidiffError {
  const similar = similarNames(reference, images);
  const tool = engine.kind === 'podman' ? 'podman' : 'docker';
  const pull = /^(sha256:)?[0-9a-f]{7,64}$/.test(reference)
    ? ''
    : `Get it with \`${tool} pull ${reference}\`. `;
  const hint =
    similar.length > 0
      ? `${pull}Similar names there: ${similar.join(', ')}.`
      : `${pull}\`${tool} images\` lists what is there; archives and registries are named as docker-archive:FILE, docker://NAME.`;
  return new DidiffError('NOT_FOUND', `the engine at ${engine.address} has no image ${reference}`, {
    hint,
    data: { reference, similar },
  });
}

/** Names of the same repository, or whose last part is the same; at most five. */
function similarNames(reference: string, images: readonly ListedImage[]): readonly string[] {
  const wanted = lastPart(reference);
  const names = images
    .flatMap((image) => image.names)
    .filter((name) => wanted !== '' && lastPart(name) === wanted);
  return [...new Set(names)].sort().slice(0, 5);
}

function lastPart(name: string): string {
  return (name.split('@')[0]!.split('/').at(-1) ?? '').split(':')[0]!;
}
