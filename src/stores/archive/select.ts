/** Which image of an archive is meant. An ambiguous choice is an error that lists the candidates, never a guess. */
import { shortDigest } from '../../bytes/digest.ts';
import { DidiffError } from '../../errors.ts';
import { sameImageName } from '../../image/image-name.ts';
import { formatPlatform, hostPlatform, type Platform, samePlatform } from '../../image/platform.ts';
import type { ArchiveImage } from './parse.ts';

/**
 * Picks an image by `selector`: a name of RepoTags, `@N` for the N-th (from 0), a digest or a prefix of the ID;
 * undefined for the only one. Among images of one name the platform decides: `platform`, else this machine's.
 * Throws NOT_FOUND or USAGE, listing what is there.
 */
export function selectImage(
  images: readonly ArchiveImage[],
  selector: string | undefined,
  what: string,
  platform?: Platform,
): ArchiveImage {
  const named = withoutRepeats(selector === undefined ? images : findImages(images, selector));
  if (named.length === 0) {
    throw new DidiffError(
      'NOT_FOUND',
      images.length === 0 ? `${what} holds no image` : `${what} holds no image ${JSON.stringify(selector)}`,
      images.length === 0 ? {} : { hint: `It holds ${listImages(images)}.` },
    );
  }
  const fitting = choosePlatform(named, platform);
  if (fitting.length === 1) return fitting[0]!;
  if (fitting.length === 0) {
    throw new DidiffError('NOT_FOUND', `${what} is not for platform ${formatPlatform(platform!)}`, {
      hint: `It holds ${listImages(named)}.`,
    });
  }
  throw new DidiffError('USAGE', `${what} holds several images${selector ? ` that match ${selector}` : ''}`, {
    hint: `Name one of them behind the path, as in docker-archive:FILE:NAME. It holds ${listImages(fitting)}.`,
  });
}

function findImages(images: readonly ArchiveImage[], selector: string): readonly ArchiveImage[] {
  if (/^@\d+$/.test(selector)) return images.slice(Number(selector.slice(1))).slice(0, 1);
  const byName = images.filter(({ names }) => names.some((name) => sameImageName(name, selector)));
  if (byName.length > 0) return byName;
  const hex = selector.replace(/^sha256:/, '');
  if (!/^[0-9a-f]{1,64}$/.test(hex)) return [];
  return images.filter(({ config, manifest, index }) =>
    [config, manifest, index].some((document) => document?.digest.startsWith(`sha256:${hex}`)),
  );
}

function choosePlatform(images: readonly ArchiveImage[], platform: Platform | undefined) {
  if (platform !== undefined) return images.filter((image) => samePlatform(image.platform, platform));
  if (images.length === 1) return images;
  const here = images.filter((image) =>
    samePlatform(image.platform, hostPlatform(process.arch, process.platform)),
  );
  // Different images for one platform are not told apart by it.
  const areVariants = images.every(({ names }) => names.some((name) => images[0]!.names.includes(name)));
  return areVariants && here.length === 1 ? here : images;
}

/** The same image may be listed once per name. */
function withoutRepeats(images: readonly ArchiveImage[]): readonly ArchiveImage[] {
  return images.filter(
    (image, position) =>
      images.findIndex(
        (other) =>
          other.config.digest === image.config.digest && other.manifest?.digest === image.manifest?.digest,
      ) === position,
  );
}

function listImages(images: readonly ArchiveImage[]): string {
  const shown = images.slice(0, 20).map(({ names, config, platform }) => {
    const name = names.length > 0 ? names.join(' = ') : 'untagged';
    return `${name} (${shortDigest(config.digest)}, ${formatPlatform(platform)})`;
  });
  return `${shown.join('; ')}${images.length > shown.length ? `; and ${images.length - shown.length} more` : ''}`;
}
