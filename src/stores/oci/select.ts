/** Which entry of an OCI layout's index.json is meant. An ambiguous name is an error that lists the candidates. */
import { shortDigest } from '../../bytes/digest.ts';
import { DidiffError } from '../../errors.ts';
import { sameImageName } from '../../image/image-name.ts';
import { type Descriptor, isAttestation, MAX_MANIFEST_BYTES, parseIndex } from '../../image/manifest.ts';
import { isIndexType, isManifestType } from '../../image/media-types.ts';
import { formatPlatform, hostPlatform, type Platform, samePlatform } from '../../image/platform.ts';
import { findDocument, listManifests, platformOf } from '../resolve-image.ts';
import { documentsOf, type Layout } from './layout.ts';

export const REF_NAME = 'org.opencontainers.image.ref.name';
export const IMAGE_NAME = 'io.containerd.image.name';

/**
 * Picks an entry by `ref`: its ref name, its full name as containerd writes it, a digest or a prefix of one (also of
 * manifests inside of indexes); undefined for the only one. Entries of one name are told apart by the platform, as an
 * index's are. Throws NOT_FOUND or USAGE, listing what is there.
 */
export async function selectEntry(
  layout: Layout,
  ref: string | undefined,
  platform?: Platform,
): Promise<Descriptor> {
  const entries = parseIndex(layout.index, `${layout.name}: index.json`).filter(
    (entry) => !isAttestation(entry) && (isManifestType(entry.mediaType) || isIndexType(entry.mediaType)),
  );
  const found = withoutRepeats(ref === undefined ? entries : await findEntries(layout, entries, ref));
  if (found.length === 1) return found[0]!;
  if (found.length === 0) {
    throw new DidiffError(
      'NOT_FOUND',
      entries.length === 0
        ? `${layout.name} holds no image`
        : `${layout.name} holds no image ${JSON.stringify(ref)}`,
      entries.length === 0 ? {} : { hint: `It holds ${listEntries(entries)}.` },
    );
  }
  const chosen = await chooseByPlatform(layout, found, platform);
  if (chosen !== undefined) return chosen;
  const matching = ref === undefined ? '' : ` that match ${ref}`;
  throw new DidiffError('USAGE', `${layout.name} holds several images${matching}`, {
    hint: `Name one of them behind the path, as in oci:DIR:NAME. It holds ${listEntries(found)}.`,
  });
}

async function findEntries(
  layout: Layout,
  entries: readonly Descriptor[],
  ref: string,
): Promise<readonly Descriptor[]> {
  const exact = entries.filter(({ annotations }) => annotations[REF_NAME] === ref);
  // Where it is the tag of one and the whole name of another, the latter is meant.
  const whole = exact.filter(({ annotations }) => annotations[IMAGE_NAME] === undefined);
  if (exact.length > 0) return whole.length > 0 ? whole : exact;
  const byName = entries.filter(({ annotations }) => hasImageName(annotations, ref));
  if (byName.length > 0) return byName;
  const hex = ref.replace(/^sha256:/, '');
  if (!/^[0-9a-f]{1,64}$/.test(hex)) return [];
  const matches = ({ digest }: Descriptor) => digest.startsWith(`sha256:${hex}`);
  const outer = entries.filter(matches);
  return outer.length > 0 ? outer : (await innerManifests(layout, entries)).filter(matches);
}

function hasImageName(annotations: Readonly<Record<string, string>>, ref: string): boolean {
  const { [IMAGE_NAME]: full, [REF_NAME]: short } = annotations;
  if (full !== undefined && sameImageName(full, ref)) return true;
  // A ref name is a whole name only where it looks like one: `1.25` is a tag.
  return short !== undefined && /[/:]/.test(short) && sameImageName(short, ref);
}

async function innerManifests(
  layout: Layout,
  entries: readonly Descriptor[],
): Promise<readonly Descriptor[]> {
  const source = documentsOf(layout);
  const found: Descriptor[] = [];
  for (const entry of entries.filter(({ mediaType }) => isIndexType(mediaType))) {
    const index = await findDocument(source, entry, MAX_MANIFEST_BYTES);
    if (index !== undefined) found.push(...(await listManifests(source, index)));
  }
  return found;
}

function withoutRepeats(entries: readonly Descriptor[]): readonly Descriptor[] {
  return [...new Map(entries.map((entry) => [entry.digest, entry])).values()];
}

/** Layouts without an inner index list the platforms of one image side by side. */
async function chooseByPlatform(
  layout: Layout,
  entries: readonly Descriptor[],
  platform: Platform | undefined,
): Promise<Descriptor | undefined> {
  const names = new Set(entries.map(({ annotations }) => annotations[IMAGE_NAME] ?? annotations[REF_NAME]));
  if (names.size > 1 || entries.some((entry) => isIndexType(entry.mediaType))) return undefined;
  const source = documentsOf(layout);
  const platforms = await Promise.all(entries.map((entry) => platformOf(source, entry)));
  if (new Set(platforms.map(formatPlatform)).size < entries.length) return undefined;
  const wanted = platform ?? hostPlatform(process.arch, process.platform);
  return entries.find((_, position) => samePlatform(platforms[position]!, wanted));
}

function listEntries(entries: readonly Descriptor[]): string {
  const shown = entries.slice(0, 20).map(({ annotations, digest, platform }) => {
    const name = annotations[IMAGE_NAME] ?? annotations[REF_NAME] ?? 'unnamed';
    return `${name} (${shortDigest(digest)}${platform === undefined ? '' : `, ${formatPlatform(platform)}`})`;
  });
  return `${shown.join('; ')}${entries.length > shown.length ? `; and ${entries.length - shown.length} more` : ''}`;
}
