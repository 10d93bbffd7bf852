/**
 * Names of images as Docker writes them: `nginx`, `ghcr.io/org/app:1.2@sha256:…`. The grammar and the normalisation
 * (docker.io, `library/`) are those of the distribution project's reference format, so that what is written here names
 * the same image in every engine. Guards that format(parse(x)) is stable.
 */
import { type Digest, isDigest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';

export interface ImageName {
  /** Host and port: `docker.io`, `localhost:5000`. */
  readonly registry: string;
  /** Path in the registry: `library/nginx`. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: Digest;
}

const DEFAULT_REGISTRY = 'docker.io';
const OFFICIAL = 'library/';
const MAX_REPOSITORY_LENGTH = 255;

const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const HOST_LABEL = '(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])';
const REGISTRY = new RegExp(`^(?:${HOST_LABEL}(?:\\.${HOST_LABEL})*|\\[[0-9A-Fa-f:]+\\])(?::[0-9]+)?$`);

/** Parses a name as `docker` would. No tag is put in where there is none. Throws USAGE naming the rule broken. */
export function parseImageName(text: string): ImageName {
  const { path, tag, digest } = splitSuffixes(text);
  if (/^[0-9a-f]{64}$/.test(path)) {
    throw broken(
      text,
      'a name can not be 64 hex digits: that is an image ID',
      `Write sha256:${path} instead.`,
    );
  }
  const { registry, repository } = splitRegistry(path);
  if (!REGISTRY.test(registry)) {
    throw broken(text, `${quote(registry)} is not a host name with an optional port`);
  }
  assertRepository(text, repository);
  return {
    registry,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** Parses what `-t` takes: a name and an optional tag (default `latest`), no digest. Throws USAGE. */
export function parseTagOption(text: string): ImageName {
  const name = parseImageName(text);
  if (name.digest !== undefined) {
    throw broken(text, 'a tag is given to an image, a digest is not', 'Leave out what follows the @.');
  }
  return withDefaultTag(name);
}

/** The same name, with the tag `latest` when it has neither a tag nor a digest. */
export function withDefaultTag(name: ImageName): ImageName {
  return name.tag === undefined && name.digest === undefined ? { ...name, tag: 'latest' } : name;
}

/** In full: `docker.io/library/nginx:1.25`. */
export function formatImageName(name: ImageName): string {
  return `${name.registry}/${name.repository}${formatSuffixes(name)}`;
}

/** As people write it: `nginx:1.25`. Parses to the same name. */
export function familiarImageName(name: ImageName): string {
  const { registry, repository } = name;
  if (registry !== DEFAULT_REGISTRY) return formatImageName(name);
  const short = repository.startsWith(OFFICIAL) ? repository.slice(OFFICIAL.length) : repository;
  // `library/a/b` and `docker.io/a.b/c` would read as something else without their beginning, and hex digits as an ID.
  const back = splitRegistry(short);
  const isSafe =
    back.registry === registry && back.repository === repository && !/^[0-9a-f]{64}$/.test(short);
  return isSafe ? `${short}${formatSuffixes(name)}` : formatImageName(name);
}

/** Whether two texts name the same image, a missing tag being `latest`; texts that are no names only when equal. */
export function sameImageName(a: string, b: string): boolean {
  return a === b || normalForm(a) === normalForm(b);
}

function normalForm(text: string): string {
  try {
    return formatImageName(withDefaultTag(parseImageName(text)));
  } catch {
    return text;
  }
}

function formatSuffixes({ tag, digest }: ImageName): string {
  return `${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`;
}

function splitSuffixes(text: string): { path: string; tag?: string; digest?: Digest } {
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !isDigest(digest)) {
    throw broken(text, `${quote(digest)} after the @ is not sha256: and 64 lower-case hex digits`);
  }
  const named = at < 0 ? text : text.slice(0, at);
  // A colon before the last slash is a port's.
  const colon = named.indexOf(':', named.lastIndexOf('/') + 1);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag)) {
    throw broken(
      text,
      `the tag ${quote(tag)} is not 1 to 128 letters, digits, "_", "." or "-", starting with none of the last two`,
    );
  }
  return {
    path: colon < 0 ? named : named.slice(0, colon),
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The first part is a host when it could be nothing else: it has a dot, a port or capitals, or is localhost. */
function splitRegistry(path: string): { registry: string; repository: string } {
  const slash = path.indexOf('/');
  const first = path.slice(0, Math.max(slash, 0));
  const isHost = /[.:[]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  if (!isHost) return { registry: DEFAULT_REGISTRY, repository: addLibrary(path) };
  const rest = path.slice(slash + 1);
  if (first === 'index.docker.io' || first === DEFAULT_REGISTRY) {
    return { registry: DEFAULT_REGISTRY, repository: addLibrary(rest) };
  }
  return { registry: first, repository: rest };
}

function addLibrary(repository: string): string {
  return repository.includes('/') ? repository : `${OFFICIAL}${repository}`;
}

function assertRepository(text: string, repository: string): void {
  if (repository.length > MAX_REPOSITORY_LENGTH) {
    throw broken(text, `its path of ${repository.length} characters is longer than ${MAX_REPOSITORY_LENGTH}`);
  }
  for (const part of repository.split('/')) {
    if (COMPONENT.test(part)) continue;
    if (part === '' || repository === OFFICIAL) throw broken(text, 'a part of its path is empty');
    if (part !== part.toLowerCase()) throw broken(text, `${quote(part)} has capitals; names are lower case`);
    throw broken(
      text,
      `${quote(part)} is not lower-case letters and digits, joined by ".", "_", "__" or "-"`,
    );
  }
}

function broken(text: string, rule: string, hint?: string): DidiffError {
  return new DidiffError('USAGE', `${quote(text)} is not an image name: ${rule}`, {
    hint: hint ?? 'For example: nginx, nginx:1.25, ghcr.io/org/app:1.2.',
  });
}

/** Quoted, and short enough for a message whatever was typed. */
function quote(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}
