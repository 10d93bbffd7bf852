/** What is known of a patch without fetching it, and how annotations say it (docs/registry.md). */
import { type Digest, parseDigest } from '../bytes/digest.ts';
import { corrupt } from '../errors.ts';
import { formatPlatform, type Platform, parsePlatform } from '../image/platform.ts';

export interface LayerSize {
  readonly diffId: Digest;
  /** Of its tar. */
  readonly sizeBytes: number;
}

export interface PatchDescription {
  readonly patch: { readonly digest: Digest; readonly sizeBytes: number };
  /** Features that applying it requires. */
  readonly requires: readonly string[];
  readonly base: {
    /** As its maker named it; for people only. */
    readonly name: string;
    /** Its manifest, where that was told when the patch was pushed. */
    readonly manifest?: Digest | undefined;
    /** The layers that a receiver must have. */
    readonly layers: readonly LayerSize[];
  };
  readonly target: {
    readonly config: Digest;
    readonly platform: Platform;
    readonly layers: readonly LayerSize[];
    /** Whether blobs come out exact: false for patches made with --no-blobs. */
    readonly hasBlobs: boolean;
  };
  /** Memory that applying takes, besides the program's own. */
  readonly memoryBytes: number;
  /** When it was pushed, as RFC 3339. */
  readonly created: string;
}

const KEY = 'vnd.didiff.';
const CREATED = 'org.opencontainers.image.created';
const MAX_LAYERS = 4096;

export function writeDescription(description: PatchDescription): Readonly<Record<string, string>> {
  const { patch, base, target } = description;
  return {
    [CREATED]: description.created,
    [`${KEY}patch.digest`]: patch.digest,
    [`${KEY}patch.size`]: String(patch.sizeBytes),
    [`${KEY}patch.requires`]: description.requires.join(' '),
    [`${KEY}patch.memory`]: String(description.memoryBytes),
    [`${KEY}base.name`]: base.name,
    ...(base.manifest === undefined ? {} : { [`${KEY}base.manifest`]: base.manifest }),
    [`${KEY}base.layers`]: writeLayers(base.layers),
    [`${KEY}target.config`]: target.config,
    [`${KEY}target.platform`]: formatPlatform(target.platform),
    [`${KEY}target.layers`]: writeLayers(target.layers),
    [`${KEY}target.blobs`]: target.hasBlobs ? 'exact' : 'none',
  };
}

/** Reads them back; annotations that aren't known are let through. `what` has them. Throws CORRUPT_INPUT. */
export function parseDescription(
  annotations: Readonly<Record<string, string>>,
  what: string,
): PatchDescription {
  const read = (name: string): string => {
    const text = Object.hasOwn(annotations, KEY + name) ? annotations[KEY + name] : undefined;
    if (text === undefined) throw corrupt(`${what} lacks the annotation ${KEY}${name}`);
    return text;
  };
  const digest = (name: string): Digest => parseDigest(read(name), `${what}: ${KEY}${name}`);
  const size = (name: string): number => parseSize(read(name), `${what}: ${KEY}${name}`);
  const layers = (name: string): readonly LayerSize[] => parseLayers(read(name), `${what}: ${KEY}${name}`);
  const hasManifest = Object.hasOwn(annotations, `${KEY}base.manifest`);
  return {
    patch: { digest: digest('patch.digest'), sizeBytes: size('patch.size') },
    requires: read('patch.requires')
      .split(' ')
      .filter((feature) => feature !== ''),
    base: {
      name: read('base.name'),
      ...(hasManifest ? { manifest: digest('base.manifest') } : {}),
      layers: layers('base.layers'),
    },
    target: {
      config: digest('target.config'),
      platform: parsePlatform(read('target.platform')),
      layers: layers('target.layers'),
      hasBlobs: read('target.blobs') === 'exact',
    },
    memoryBytes: size('patch.memory'),
    created: annotations[CREATED] ?? '',
  };
}

/** Whether annotations are those of a patch, whatever else is wrong with them. */
export function hasDescription(annotations: Readonly<Record<string, string>>): boolean {
  return Object.hasOwn(annotations, `${KEY}patch.digest`);
}

/** `DIFFID=SIZE DIFFID=SIZE …`, in order. */
function writeLayers(layers: readonly LayerSize[]): string {
  return layers.map(({ diffId, sizeBytes }) => `${diffId}=${sizeBytes}`).join(' ');
}

function parseLayers(text: string, what: string): readonly LayerSize[] {
  const items = text.split(' ').filter((item) => item !== '');
  if (items.length > MAX_LAYERS) throw corrupt(`${what} names ${items.length} layers`);
  return items.map((item) => {
    const [diffId, size = ''] = item.split('=');
    return { diffId: parseDigest(diffId, what), sizeBytes: parseSize(size, what) };
  });
}

function parseSize(text: string, what: string): number {
  const value = Number(text);
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(value)) return value;
  throw corrupt(`${what} is no size: found ${JSON.stringify(text.slice(0, 40))}`);
}
