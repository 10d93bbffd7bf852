/**
 * What there is to be weighed before a pull: which layers are wanted, which are here, and what the registry offers.
 * Patches to earlier versions are looked for only as far as a way over them could still be the cheapest.
 */
import { type Digest, digestHex } from '../../bytes/digest.ts';
import { DidiffError } from '../../errors.ts';
import type { ImageSink, TargetImage } from '../../image/store.ts';
import type { Cache } from '../../stores/cache/cache.ts';
import type { CallOptions } from '../../stores/registry/place.ts';
import type { Repository } from '../../stores/registry/repository.ts';
import { findPatches, type PatchEntry } from '../list.ts';
import { type Offers, type PatchOffer, planWay } from '../plan.ts';
import type { KeptDocuments } from './documents.ts';
import type { Holding } from './holdings.ts';
import { keptLayer, type LayerForm, listKeptLayers, tokenOf } from './layers.ts';

/** A patch that could be a step, with what is known of it. */
export interface FoundPatch {
  readonly entry: PatchEntry;
  /** The manifest that it leads to. */
  readonly manifest: Digest;
}

export interface Survey {
  /** What names each layer that the destination lacks and nothing here has; see `tokenOf`. */
  readonly wanted: readonly Digest[];
  readonly have: ReadonlySet<Digest>;
  readonly offers: Offers;
  readonly patches: ReadonlyMap<Digest, FoundPatch>;
}

/** How many earlier versions are asked about. */
const MAX_LOOKED_AT = 32;

export interface SurveyContext {
  readonly target: TargetImage;
  readonly sink: ImageSink;
  readonly holdings: readonly Holding[];
  readonly cache: Cache;
  readonly documents: KeptDocuments;
  readonly note: (message: string) => void;
}

/** `lacking`: positions of the target's layers. `refused`: patches and layers that turned out not to be usable. */
export async function survey(
  context: SurveyContext,
  lacking: readonly number[],
  refused: ReadonlySet<Digest>,
  options: CallOptions,
): Promise<Survey> {
  const { target, sink, cache } = context;
  const layers = lacking.map((position) => target.layers[position]!);
  const wanted = layers.map((layer) => tokenOf(layer, sink.takes));
  const have = whatIsHere(context);
  const whole = new Map<Digest, number>();
  for (const layer of layers) {
    const token = tokenOf(layer, sink.takes);
    const left = layer.blob.sizeBytes - cache.presentBytes(keptLayer(layer, 'blob').name);
    if (!refused.has(token)) whole.set(token, Math.max(0, left));
  }
  const patches = await findSteps(context, { wanted, have, whole, refused }, options);
  const offers = { patches: [...patches.values()].map(({ offer }) => offer), layers: whole };
  return { wanted, have, offers, patches };
}

/**
 * Layers by diffID, and blobs by digest. What was fetched for a destination that takes tars is here only when it is
 * unpacked; before that, the rest of fetching it costs nothing.
 */
function whatIsHere({ holdings, cache, sink }: SurveyContext): ReadonlySet<Digest> {
  const have = new Set<Digest>();
  for (const { diffIds, blobs = [] } of holdings)
    for (const digest of [...diffIds, ...blobs]) have.add(digest);
  for (const { diffId, stored } of listKeptLayers(cache))
    if (sink.takes === 'blob' || stored === diffId) have.add(diffId).add(stored);
  return have;
}

interface Known {
  readonly wanted: readonly Digest[];
  readonly have: ReadonlySet<Digest>;
  readonly whole: ReadonlyMap<Digest, number>;
  readonly refused: ReadonlySet<Digest>;
}

type Step = FoundPatch & { readonly offer: PatchOffer };

async function findSteps(
  context: SurveyContext,
  { wanted, have, whole, refused }: Known,
  options: CallOptions,
): Promise<ReadonlyMap<Digest, Step>> {
  const found = new Map<Digest, Step>();
  if (wanted.every((token) => have.has(token))) return found;
  const { documents, target } = context;
  const waiting = [{ manifest: target.manifest.digest, bytes: 0 }];
  const seen = new Set<Digest>();
  let best = Number.POSITIVE_INFINITY;
  while (waiting.length > 0 && seen.size <= MAX_LOOKED_AT) {
    waiting.sort((a, b) => b.bytes - a.bytes);
    const { manifest, bytes } = waiting.pop()!;
    if (bytes >= best) break;
    if (seen.has(manifest)) continue;
    seen.add(manifest);
    for (const entry of await findEntries(documents.repository, manifest, context.note, options)) {
      if (found.has(entry.digest) || refused.has(entry.digest)) continue;
      const offer = await offerOf(context, entry, manifest);
      if (offer === undefined) continue;
      found.set(entry.digest, { entry, manifest, offer });
      const before = entry.description.base.manifest;
      if (before !== undefined && offer.needs.some((diffId) => !have.has(diffId)))
        waiting.push({ manifest: before, bytes: bytes + offer.bytes });
    }
    const offers = { patches: [...found.values()].map(({ offer }) => offer), layers: whole };
    best = planWay(wanted, have, offers)?.bytes ?? best;
  }
  return found;
}

/** Patches only save something: what goes wrong with the list of them is told, and layers are fetched. */
async function findEntries(
  repository: Repository,
  manifest: Digest,
  note: (message: string) => void,
  options: CallOptions,
): Promise<readonly PatchEntry[]> {
  try {
    return await findPatches(repository, manifest, options);
  } catch (error) {
    const isListsFault =
      error instanceof DidiffError &&
      ['CORRUPT_INPUT', 'UNSUPPORTED', 'LIMIT', 'UNAUTHORISED'].includes(error.code);
    if (!isListsFault) throw error;
    note(`The patches that lead to ${manifest} can't be listed: ${error.message}.`);
    return [];
  }
}

/** Undefined for patches that can't lead to what this destination takes. */
async function offerOf(
  { target, sink, cache, documents }: SurveyContext,
  { digest, description }: PatchEntry,
  manifest: Digest,
): Promise<PatchOffer | undefined> {
  const { base, target: made, patch } = description;
  if (sink.takes === 'blob' && !made.hasBlobs) return undefined;
  const isLast = manifest === target.manifest.digest;
  const diffIds = made.layers.map(({ diffId }) => diffId);
  const gives = isLast ? target.layers.flatMap((layer) => givenBy(layer, sink.takes)) : diffIds;
  const artifact = await documents.findArtifact(digest);
  const present = (artifact?.parts ?? []).reduce((sum, part) => sum + presentPart(cache, part.digest), 0);
  return {
    digest,
    needs: base.layers.map(({ diffId }) => diffId),
    gives,
    bytes: Math.max(0, patch.sizeBytes - present),
  };
}

function givenBy(layer: TargetImage['layers'][number], form: LayerForm): readonly Digest[] {
  return [layer.diffId, tokenOf(layer, form)];
}

function presentPart(cache: Cache, digest: Digest): number {
  return cache.presentBytes(digestHex(digest));
}
