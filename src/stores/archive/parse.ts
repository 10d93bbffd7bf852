/**
 * What images a `docker save` archive holds, by its manifest.json. Reads the small documents only, and proves each
 * by its digest where its name or a descriptor says one.
 *
 * Three kinds of archives carry one. Before Docker 25: `<config>.json` and `<id>/layer.tar`. Since then the files lie
 * in an OCI layout (`blobs/sha256`). An engine with the containerd image store puts the blobs and manifests there as
 * it has them: that manifest is the image's own, and its digest the image's ID. A classic engine writes a new manifest
 * over uncompressed layers at each save: no registry knows it, the image's ID is its config's digest, so it is not
 * taken for the image's own. A classic save tells itself by LayerSources, an archive of didiff by its very manifest.
 */
import { type Digest, isDigest, sha256 } from '../../bytes/digest.ts';
import { corrupt, DidiffError } from '../../errors.ts';
import { sameImageName } from '../../image/image-name.ts';
import {
  type Descriptor,
  MAX_CONFIG_BYTES,
  parseConfig,
  type RawDocument,
  rawDocument,
  synthesiseManifest,
} from '../../image/manifest.ts';
import { OCI_CONFIG } from '../../image/media-types.ts';
import type { Platform } from '../../image/platform.ts';
import {
  type ArchiveContent,
  type ArchiveEntry,
  type EntryIndex,
  findEntry,
  indexEntries,
  readEntry,
} from './entries.ts';
import { collectManifests, type OwnManifest } from './own-manifests.ts';

/** An image of an archive. */
export interface ArchiveImage {
  /** RepoTags as written. */
  readonly names: readonly string[];
  readonly config: RawDocument;
  readonly platform: Platform;
  readonly diffIds: readonly Digest[];
  /** The image's own manifest, only where the archive has it with the exact blobs. */
  readonly manifest?: RawDocument | undefined;
  readonly index?: RawDocument | undefined;
  /** The manifest's layers. */
  readonly blobs?: readonly Descriptor[] | undefined;
  /** Per layer the file that has its bytes; undefined when the archive lacks it, as engines allow. */
  readonly layers: readonly (ArchiveEntry | undefined)[];
}

/** manifest.json lists an object per image; real ones are a few kilobytes. */
const MAX_MANIFEST_JSON_BYTES = 16 << 20;
const MAX_IMAGES = 10_000;

/** Lists the images. Throws CORRUPT_INPUT, or UNSUPPORTED where there is no manifest.json. */
export function parseArchive(content: ArchiveContent): readonly ArchiveImage[] {
  const index = indexEntries(content.entries);
  const own = collectManifests(content, index);
  return parseManifestJson(content, index).map((item, position) =>
    parseImage(content, index, own, item, `${content.name}: manifest.json[${position}]`),
  );
}

/** Whether the archive is one of `docker save`, as opposed to a mere OCI layout. */
export function hasManifestJson(content: ArchiveContent): boolean {
  return findEntry(indexEntries(content.entries), 'manifest.json') !== undefined;
}

function parseManifestJson(content: ArchiveContent, index: EntryIndex): readonly unknown[] {
  const entry = findEntry(index, 'manifest.json');
  if (entry === undefined) throw describeOther(content, index);
  const bytes = readEntry(content, entry, MAX_MANIFEST_JSON_BYTES);
  let list: unknown;
  try {
    list = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw corrupt(`${content.name}: manifest.json is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (!Array.isArray(list) || list.length > MAX_IMAGES) {
    throw corrupt(`${content.name}: manifest.json is not a list of images`);
  }
  return list;
}

function describeOther(content: ArchiveContent, index: EntryIndex): DidiffError {
  if (index.has('index.json')) {
    return new DidiffError('UNSUPPORTED', `${content.name} is an OCI layout, not a docker archive`, {
      hint: 'Name it with oci-archive: instead of docker-archive:.',
    });
  }
  if (index.has('repositories')) {
    return new DidiffError('UNSUPPORTED', `${content.name} was saved by Docker before 1.10`, {
      hint: 'Load it into a current engine and save it again.',
    });
  }
  return corrupt(`${content.name} is no image archive: it has no manifest.json`, {
    hint: 'Make one with `docker save -o FILE IMAGE`. A tar of a root file system (`docker export`) is none.',
  });
}

function parseImage(
  content: ArchiveContent,
  index: EntryIndex,
  own: readonly OwnManifest[],
  item: unknown,
  what: string,
): ArchiveImage {
  const { config: configPath, names, layers, isClassic } = parseItem(item, what);
  const configBytes = readConfig(content, index, configPath, what);
  const { diffIds, platform } = parseConfig(configBytes, `${what}: config`);
  if (diffIds.length !== layers.length) {
    throw corrupt(`${what} lists ${layers.length} layers; its config has ${diffIds.length} diff_ids`);
  }
  const match = isClassic ? undefined : findOwnManifest(own, configBytes, diffIds, names);
  return {
    names,
    config: rawDocument(configBytes, match?.parsed.config.mediaType ?? OCI_CONFIG),
    platform,
    diffIds,
    manifest: match?.manifest,
    index: match?.index,
    blobs: match?.parsed.layers,
    layers: layers.map((path) => findEntry(index, path)),
  };
}

function parseItem(item: unknown, what: string) {
  const { Config, RepoTags, Layers, LayerSources } = (item ?? {}) as Record<string, unknown>;
  if (typeof Config !== 'string') throw corrupt(`${what} has no Config`);
  return {
    config: Config,
    names: parseStrings(RepoTags ?? [], `${what}: RepoTags`),
    layers: parseStrings(Layers ?? [], `${what}: Layers`),
    isClassic: typeof LayerSources === 'object' && LayerSources !== null,
  };
}

function parseStrings(value: unknown, what: string): readonly string[] {
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  throw corrupt(`${what} is not a list of strings`);
}

function readConfig(content: ArchiveContent, index: EntryIndex, path: string, what: string): Uint8Array {
  const entry = findEntry(index, path);
  if (entry === undefined) throw corrupt(`${what}: its config ${JSON.stringify(path)} is not in the archive`);
  const bytes = readEntry(content, entry, MAX_CONFIG_BYTES);
  const named = `sha256:${path.replace(/^.*\//, '').replace(/\.json$/, '')}`;
  if (isDigest(named) && sha256(bytes) !== named) {
    throw corrupt(`${what}: the config ${path} is damaged: its digest is ${sha256(bytes)}`, {
      hint: 'Save or fetch the archive again.',
    });
  }
  return bytes;
}

/** The manifest of this config, unless it is the one that anyone would make of the config and uncompressed layers. */
function findOwnManifest(
  own: readonly OwnManifest[],
  config: Uint8Array,
  diffIds: readonly Digest[],
  names: readonly string[],
): OwnManifest | undefined {
  const digest = sha256(config);
  const candidates = own.filter(
    ({ parsed }) => parsed.config.digest === digest && parsed.layers.length === diffIds.length,
  );
  const match = candidates.find(({ name }) => names.some((tag) => sameImageName(tag, name))) ?? candidates[0];
  if (match === undefined) return undefined;
  const layers = match.parsed.layers.map((layer) => ({ diffId: layer.digest, sizeBytes: layer.sizeBytes }));
  return synthesiseManifest(config, layers).digest === match.manifest.digest ? undefined : match;
}
