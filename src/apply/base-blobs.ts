/**
 * The base's own blobs that making a target's blobs takes: those that are taken over whole, and those that copies read.
 * Asked for before anything is written, so that a base of a store that keeps none is told at once.
 */
import { concatAccess, type RandomAccess } from '../bytes/access.ts';
import { type Digest, shortDigest } from '../bytes/digest.ts';
import { corrupt, DidiffError } from '../errors.ts';
import { parseManifest } from '../image/manifest.ts';
import type { OpenedImage, StoreOptions } from '../image/store.ts';
import type { WantedLayers } from './target.ts';

/** Which layer of the base has a blob, by its digest. */
export type BlobPlaces = ReadonlyMap<Digest, number>;

export interface BaseBlobs {
  /** Blobs of the target that the base has itself. */
  readonly own: ReadonlyMap<Digest, RandomAccess>;
  /** What copies address; absent where nothing is copied. */
  readonly space?: RandomAccess;
}

/**
 * Finds the blobs that the wanted layers can take from the base; none when no layer takes any. Throws BASE_MISMATCH
 * when the base lacks one that nothing in the patch replaces.
 */
export async function findBaseBlobs(
  wanted: WantedLayers,
  base: OpenedImage | undefined,
  options: StoreOptions,
): Promise<BlobPlaces> {
  const { must, may } = digestsOf(wanted);
  if (base === undefined && must.size > 0)
    throw corrupt('the patch takes blobs of a base of which it reads no layer');
  if (base === undefined || must.size + may.size === 0) return new Map();
  const manifest = base.hasBlobs ? (await base.readMetadata(options)).manifest : undefined;
  const layers =
    manifest === undefined ? [] : parseManifest(manifest.bytes, `the manifest of ${base.name}`).layers;
  const places = new Map<Digest, number>();
  for (const [position, { digest }] of layers.entries())
    if ((must.has(digest) || may.has(digest)) && !places.has(digest)) places.set(digest, position);
  const absent = [...must].filter((digest) => !places.has(digest));
  if (absent.length > 0) throw describeAbsent(base, absent);
  return places;
}

/** Opens what was found, each blob proved by its digest. Throws what the store throws. */
export async function openBaseBlobs(
  { header, layers }: WantedLayers,
  base: OpenedImage | undefined,
  places: BlobPlaces,
  options: StoreOptions,
): Promise<BaseBlobs> {
  if (base === undefined || places.size === 0) return { own: new Map() };
  const digests = [...places.keys()];
  const opened = await base.openBlobs([...places.values()], options);
  const blobs = new Map(digests.map((digest, i) => [digest, opened[i]!]));
  const copied = header.base.blobs.map(({ digest, sizeBytes }) => {
    const blob = blobs.get(digest);
    if (blob === undefined || blob.sizeBytes === sizeBytes) return blob;
    throw new DidiffError(
      'BASE_MISMATCH',
      `the blob ${digest} of ${base.name} is ${blob.sizeBytes} bytes; the patch says ${sizeBytes}`,
    );
  });
  const targets = new Set(layers.map((position) => header.target.layers[position]!.blob?.digest));
  const own = new Map([...blobs].filter(([digest]) => targets.has(digest)));
  const space = copied.filter((blob) => blob !== undefined);
  return space.length === 0 || space.length < copied.length ? { own } : { own, space: concatAccess(space) };
}

/** Those that the layers can't be made without, and those that spare following a recipe. */
function digestsOf({ header, layers, takes }: WantedLayers): {
  readonly must: ReadonlySet<Digest>;
  readonly may: ReadonlySet<Digest>;
} {
  const must = new Set<Digest>();
  const may = new Set<Digest>();
  if (takes === 'tar') return { must, may };
  for (const position of layers) {
    const { tar, blob } = header.target.layers[position]!;
    if (blob?.source === 'base') must.add(blob.digest);
    else if (blob?.source === 'recipe' && tar.kind === 'base') may.add(blob.digest);
    else if (blob?.source === 'copies') for (const { digest } of header.base.blobs) must.add(digest);
  }
  return { must, may };
}

function describeAbsent(base: OpenedImage, absent: readonly Digest[]): DidiffError {
  const what = `compressed layer${absent.length > 1 ? 's' : ''} ${absent.map(shortDigest).join(', ')}`;
  return new DidiffError(
    'BASE_MISMATCH',
    `${base.name} does not have the ${what} that the target is made of`,
    {
      hint:
        'Its layers are right, but not as they were compressed: apply to a store that keeps layers uncompressed, take the ' +
        'base from where it was pulled or copied whole, or make the patch with --no-base-blobs.',
      data: { absent },
    },
  );
}
