/** Names of repositories and images in registries, as `push`, `list` and their like take them: with `docker://` before or without. */
import { DidiffError } from '../errors.ts';
import { familiarImageName, type ImageName, parseImageName, withDefaultTag } from '../image/image-name.ts';

const PREFIX = 'docker://';

/** A repository: no tag, no digest. Throws USAGE. */
export function parseRepositoryName(text: string): ImageName {
  const name = parseImageName(withoutPrefix(text));
  if (name.tag === undefined && name.digest === undefined) return name;
  const { registry, repository } = name;
  throw new DidiffError('USAGE', `${text} names an image; expected a repository, without tag or digest`, {
    hint: `Write ${familiarImageName({ registry, repository })}; the patch itself says which image it leads to.`,
  });
}

/** An image, `latest` where neither tag nor digest is given. Throws USAGE. */
export function parseRegistryImageName(text: string): ImageName {
  return withDefaultTag(parseImageName(withoutPrefix(text)));
}

/** Where a mirror of `from` goes: with a tag of its own, or else that of `from`, if it has one. Throws USAGE. */
export function parseMirrorName(text: string, from: ImageName): ImageName {
  const name = parseImageName(withoutPrefix(text));
  if (name.digest !== undefined) {
    throw new DidiffError('USAGE', `${text} has a digest; the mirror has that of what it is made from`, {
      hint: 'Leave the digest out.',
    });
  }
  const tag = name.tag ?? (from.digest === undefined ? from.tag : undefined);
  return { ...name, ...(tag === undefined ? {} : { tag }) };
}

function withoutPrefix(text: string): string {
  return text.startsWith(PREFIX) ? text.slice(PREFIX.length) : text;
}
