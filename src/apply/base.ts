/**
 * Proves that a base is the one a patch was made for: by the diffIDs of the layers the patch reads, first as the image
 * claims them, then by the bytes themselves. Names never count.
 */
import { type Digest, shortDigest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import type { LayerTar, OpenedImage, StoreOptions } from '../image/store.ts';
import type { PatchHeader } from '../patch/header.ts';

/** Layers of the base that the patch can't do without: those ops read, and those `whole` says are taken over. */
export function neededDiffIds(header: PatchHeader): readonly Digest[] {
  return [...new Set(header.base.layers.map(({ diffId }) => diffId))];
}

/** Throws BASE_MISMATCH naming each missing layer and what the image has instead. */
export function assertBase(header: PatchHeader, base: OpenedImage): void {
  const missing = neededDiffIds(header).filter((diffId) => !base.diffIds.includes(diffId));
  if (missing.length === 0) return;
  const has = base.diffIds.map(shortDigest).join(', ') || 'none';
  throw new DidiffError(
    'BASE_MISMATCH',
    `${base.name} is not the base of this patch: it lacks layer${missing.length > 1 ? 's' : ''} ` +
      `${missing.map(shortDigest).join(', ')} (it has ${has})`,
    {
      hint: `The patch was made from ${header.base.name}. Get that image, name it with --base, or make a patch from this one.`,
      data: { missing, found: base.diffIds },
    },
  );
}

/**
 * Opens the base layers at `wanted`, places in the header's list, each proved by its diffID; absent where not wanted.
 * Throws BASE_MISMATCH or what the store throws.
 */
export async function openBaseTars(
  header: PatchHeader,
  base: OpenedImage,
  wanted: ReadonlySet<number>,
  options: StoreOptions,
): Promise<readonly (LayerTar['content'] | undefined)[]> {
  assertBase(header, base);
  const places = [...wanted].sort((a, b) => a - b);
  const positions = places.map((place) => base.diffIds.indexOf(header.base.layers[place]!.diffId));
  const tars = await base.openTars(positions, options);
  const found: (LayerTar['content'] | undefined)[] = header.base.layers.map(() => undefined);
  for (const [i, place] of places.entries()) found[place] = tars[i]!.content;
  return found;
}
