/** The images an engine has: one of them as inspected, or all of them with their names and diffIDs. */
import { type Digest, isDigest, parseDigest } from '../../bytes/digest.ts';
import { corrupt, DidiffError } from '../../errors.ts';
import type { Platform } from '../../image/platform.ts';
import { imagePath } from './client.ts';
import { type Engine, isOlderApi } from './kind.ts';

/** An image in the list. */
export interface ListedImage {
  readonly id: Digest;
  /** Tags as the engine prints them; empty for an image without a name. */
  readonly names: readonly string[];
  /** Seconds since 1970. */
  readonly created: number;
  /** Manifests of it that newer engines say are not there whole. */
  readonly incomplete: readonly Digest[];
}

/** An image as its engine describes it. */
export interface InspectedImage {
  readonly id: Digest;
  readonly names: readonly string[];
  readonly diffIds: readonly Digest[];
  readonly platform: Platform;
}

/** Inspects calls at once; engines answer each in a millisecond or two. */
const INSPECTS_AT_ONCE = 4;

/** All images but the nameless stages of others, in the engine's order. */
export async function listImages(
  engine: Engine,
  signal: AbortSignal | undefined,
): Promise<readonly ListedImage[]> {
  // Without `manifests` a newer engine doesn't tell a whole image of an index from one whose content is missing.
  const query = isOlderApi(engine.apiVersion, '1.47') ? {} : { manifests: '1' };
  const json = await engine.client.call({ path: '/images/json', query, what: 'list its images', signal });
  if (!Array.isArray(json))
    throw corrupt(`the engine at ${engine.address} gave a list of images that is none`);
  const images = new Map<Digest, ListedImage>();
  for (const item of json as unknown[]) {
    const { Id: id, RepoTags: tags, Created: created, Manifests: manifests } = asRecord(item);
    if (!isDigest(id)) continue;
    images.set(id, {
      id,
      names: [...(images.get(id)?.names ?? []), ...namesOf(tags)],
      created: typeof created === 'number' ? created : 0,
      incomplete: incompleteOf(manifests),
    });
  }
  return [...images.values()];
}

function incompleteOf(manifests: unknown): readonly Digest[] {
  if (!Array.isArray(manifests)) return [];
  return manifests
    .map(asRecord)
    .filter((manifest) => manifest['Available'] === false)
    .map((manifest) => manifest['ID'])
    .filter(isDigest);
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** What the engine knows under `reference`; undefined when it has no such image. */
export async function inspectImage(
  engine: Engine,
  reference: string,
  signal: AbortSignal | undefined,
): Promise<InspectedImage | undefined> {
  let json: unknown;
  try {
    const path = `/images/${imagePath(reference)}/json`;
    json = await engine.client.call({ path, what: `inspect image ${reference}`, signal });
  } catch (error) {
    if (error instanceof DidiffError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
  return parseInspected(json, `the engine's description of ${reference}`);
}

function parseInspected(json: unknown, what: string): InspectedImage {
  const image = asRecord(json);
  const layers = asRecord(image['RootFS'])['Layers'];
  const variant = image['Variant'];
  return {
    id: parseDigest(image['Id'], `${what}: Id`),
    names: namesOf(image['RepoTags']),
    diffIds: (Array.isArray(layers) ? layers : []).map((id, index) =>
      parseDigest(id, `${what}: layer ${index}`),
    ),
    platform: {
      os: textOr(image['Os'], 'linux'),
      architecture: textOr(image['Architecture'], 'unknown'),
      ...(typeof variant === 'string' && variant !== '' ? { variant } : {}),
    },
  };
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value !== '' ? value : otherwise;
}

/** Old engines write `<none>:<none>` where there is no name. */
function namesOf(tags: unknown): readonly string[] {
  if (!Array.isArray(tags)) return [];
  return tags.filter((tag): tag is string => typeof tag === 'string' && !tag.includes('<none>'));
}

/** An image in the list with its layers. */
export type LayeredImage = ListedImage & InspectedImage;

/** All images with their diffIDs. One that is removed meanwhile, or can't be described, is left out. */
export async function listLayeredImages(
  engine: Engine,
  signal: AbortSignal | undefined,
): Promise<readonly LayeredImage[]> {
  const listed = await listImages(engine, signal);
  const found: (LayeredImage | undefined)[] = new Array(listed.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < listed.length) {
      const index = next++;
      const image = listed[index]!;
      const inspected = await inspectIfWhole(engine, image.id, signal);
      if (inspected !== undefined) found[index] = { ...inspected, ...image };
    }
  };
  await Promise.all(Array.from({ length: INSPECTS_AT_ONCE }, work));
  return found.filter((image) => image !== undefined);
}

/** One broken image among hundreds must not keep the others from being used. */
async function inspectIfWhole(
  engine: Engine,
  id: Digest,
  signal: AbortSignal | undefined,
): Promise<InspectedImage | undefined> {
  try {
    return await inspectImage(engine, id, signal);
  } catch (error) {
    if (error instanceof DidiffError && (error.code === 'STORAGE' || error.code === 'CORRUPT_INPUT'))
      return undefined;
    throw error;
  }
}
