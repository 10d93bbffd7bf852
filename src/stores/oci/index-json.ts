/**
 * Changes to a layout's index.json. Guards that everything that isn't changed stays: other names, annotations and
 * fields that are unknown here. A name that is given again moves as with skopeo: the older entry stays in the index
 * without the name, so its image can still be found by digest.
 */
import type { Digest } from '../../bytes/digest.ts';
import { corrupt, DidiffError } from '../../errors.ts';
import { familiarImageName, formatImageName, parseTagOption } from '../../image/image-name.ts';
import { MAX_MANIFEST_BYTES, parseIndex, parseObject } from '../../image/manifest.ts';
import { OCI_INDEX } from '../../image/media-types.ts';
import type { Platform } from '../../image/platform.ts';
import type { TargetImage } from '../../image/store.ts';
import { IMAGE_NAME, REF_NAME } from './select.ts';

/** What index.json is to lead to. */
export interface NamedTarget {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly platform?: Platform | undefined;
}

/** One way to find it; both annotations absent: by digest, or as the only image. */
export interface LayoutName {
  readonly annotations: Readonly<Record<string, string>>;
  /** As a user writes it. */
  readonly display: string;
}

/** The index where the target was named by one, else the manifest. */
export function namedTarget(target: TargetImage): NamedTarget {
  const { bytes, digest, mediaType } = target.index ?? target.manifest;
  return {
    mediaType,
    digest,
    sizeBytes: bytes.length,
    platform: target.index === undefined ? target.platform : undefined,
  };
}

/**
 * The names to write: `ref` as skopeo writes it, and each of `names` (NAME:TAG) in full, which is what an engine with
 * the containerd image store needs to find the image by its name. Throws USAGE.
 */
export function layoutNames(ref: string | undefined, names: readonly string[]): readonly LayoutName[] {
  const own = ref === undefined ? [] : [{ annotations: { [REF_NAME]: ref }, display: ref }];
  const full = names.map((text) => {
    const name = parseTagOption(text);
    return {
      annotations: { [IMAGE_NAME]: formatImageName(name), [REF_NAME]: name.tag ?? 'latest' },
      display: familiarImageName(name),
    };
  });
  return [...own, ...full];
}

/** The OCI grammar of `org.opencontainers.image.ref.name`. Throws USAGE. */
export function assertRefName(ref: string | undefined): void {
  if (ref === undefined || /^[A-Za-z0-9]+(?:(?:--|[-._:@/+])[A-Za-z0-9]+)*$/.test(ref)) return;
  throw new DidiffError('USAGE', `${JSON.stringify(ref)} is not a name for an image in an OCI layout`, {
    hint: 'Use letters and digits, joined by one of - . _ : @ / + (for example nginx:1.25).',
  });
}

/** index.json with `target` under each of `names`; `before` is absent in a new layout. Throws CORRUPT_INPUT. */
export function addToIndex(
  before: Uint8Array | undefined,
  target: NamedTarget,
  names: readonly LayoutName[],
  what: string,
): Uint8Array {
  const index =
    before === undefined
      ? { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [] }
      : parseObject(before, what, MAX_MANIFEST_BYTES);
  // Refuses what readers would refuse too, rather than to build on it.
  if (before !== undefined) parseIndex(before, what);
  let manifests = index['manifests'] as readonly Entry[];
  for (const annotations of names.length > 0 ? names.map((name) => name.annotations) : [{}]) {
    manifests = addEntry(manifests, target, annotations);
  }
  const bytes = new TextEncoder().encode(JSON.stringify({ ...index, manifests }));
  if (bytes.length <= MAX_MANIFEST_BYTES) return bytes;
  throw corrupt(`${what} would be larger than ${MAX_MANIFEST_BYTES} bytes`, {
    hint: 'Write to another layout, or remove images from this one (for example with `umoci remove`).',
  });
}

type Entry = Readonly<Record<string, unknown>>;

function addEntry(
  manifests: readonly Entry[],
  target: NamedTarget,
  annotations: Readonly<Record<string, string>>,
): readonly Entry[] {
  const name = nameOf({ annotations });
  const isTarget = (entry: Entry) => entry['digest'] === target.digest;
  if (manifests.some((entry) => isTarget(entry) && (name === undefined || nameOf(entry) === name))) {
    return manifests;
  }
  const others = manifests.map((entry) =>
    name !== undefined && nameOf(entry) === name ? withoutName(entry) : entry,
  );
  const unnamed = others.findIndex((entry) => isTarget(entry) && nameOf(entry) === undefined);
  if (unnamed >= 0) {
    const entry = others[unnamed]!;
    return others.with(unnamed, withAnnotations(entry, { ...annotationsOf(entry), ...annotations }));
  }
  const { mediaType, digest, sizeBytes, platform } = target;
  const fresh = { mediaType, digest, size: sizeBytes, ...(platform === undefined ? {} : { platform }) };
  return [...others, withAnnotations(fresh, annotations)];
}

/** The full name where there is one: its tag alone says little. */
function nameOf(entry: Entry): string | undefined {
  const { [IMAGE_NAME]: full, [REF_NAME]: short } = annotationsOf(entry);
  return full === undefined ? short : `${full} ${short ?? ''}`;
}

function annotationsOf(entry: Entry): Readonly<Record<string, string>> {
  return (entry['annotations'] ?? {}) as Readonly<Record<string, string>>;
}

function withoutName(entry: Entry): Entry {
  const { [IMAGE_NAME]: _full, [REF_NAME]: _short, ...rest } = annotationsOf(entry);
  return withAnnotations(entry, rest);
}

function withAnnotations(entry: Entry, annotations: Readonly<Record<string, string>>): Entry {
  const { annotations: _before, ...rest } = entry;
  return Object.keys(annotations).length === 0 ? rest : { ...rest, annotations };
}
