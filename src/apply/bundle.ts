/**
 * Applies one part of a bundle: the image for one platform, as a patch for that alone would. Parts that aren't wanted are
 * passed over.
 */
import { DidiffError } from '../errors.ts';
import { formatPlatform, type Platform, samePlatform } from '../image/platform.ts';
import type { ImageSink, StoreOptions } from '../image/store.ts';
import type { BundleParts, OpenedPart } from '../patch/bundle.ts';
import { type ApplyOptions, type ApplyResult, applyPatch } from './apply.ts';
import { type OpenBase, openBases } from './bundle-bases.ts';
import { type CheckResult, checkPatch } from './check.ts';

/** The part for a platform. Throws NOT_FOUND, listing those there are. */
export function choosePart({ images }: BundleParts, platform: Platform): OpenedPart {
  const found = images.find((part) => samePlatform(part.platform, platform));
  if (found !== undefined) return found;
  const platforms = images.map((part) => formatPlatform(part.platform));
  throw new DidiffError('NOT_FOUND', `the bundle has no image for ${formatPlatform(platform)}`, {
    hint: `It has ${platforms.join(', ')}; choose one with --platform.`,
    data: { platforms },
  });
}

/** Makes the image of `part` in `sink`, as `applyPatch` does. */
export async function applyPart(
  parts: BundleParts,
  part: OpenedPart,
  openBase: OpenBase,
  sink: ImageSink,
  options: ApplyOptions,
): Promise<ApplyResult> {
  const bases = openBases({ ...parts, images: [part] }, sink.takes, openBase, options);
  try {
    return await applyPatch(part.reader, () => bases.open(part), sink, options);
  } finally {
    await bases.close();
  }
}

/** Would `applyPart` work? Without a sink, all layers' tars are made. */
export async function checkPart(
  parts: BundleParts,
  part: OpenedPart,
  openBase: OpenBase,
  sink: ImageSink | undefined,
  options: StoreOptions,
): Promise<CheckResult & { readonly base: string }> {
  const bases = openBases({ ...parts, images: [part] }, sink?.takes ?? 'tar', openBase, options);
  try {
    const base = await bases.open(part);
    try {
      return { base: base.name, ...(await checkPatch(part.reader, base, sink, options)) };
    } finally {
      await base.close();
    }
  } finally {
    await bases.close();
  }
}
