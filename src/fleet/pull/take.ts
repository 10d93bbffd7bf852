/** The steps of a pull: a layer fetched whole, or a patch run, each into the cache. */
import { applyPatch } from '../../apply/apply.ts';
import { applyPart } from '../../apply/bundle.ts';
import type { Digest } from '../../bytes/digest.ts';
import { corrupt } from '../../errors.ts';
import type { ImageSink, OpenedImage, StoreOptions, TargetLayer } from '../../image/store.ts';
import { type Bundle, openAnyPatch } from '../../patch/bundle.ts';
import type { PatchReader } from '../../patch/reader.ts';
import { findArtifact } from '../list.ts';
import { openBase } from './base.ts';
import { fetchInto, readKeptParts } from './fetch.ts';
import { keptLayer, openKeptSink, tokenOf, unpackKept } from './layers.ts';
import type { Pace } from './pace.ts';
import type { FoundPatch, SurveyContext } from './survey.ts';

export interface StepOptions extends StoreOptions {
  /** Told of each piece that came over the line. */
  readonly onBytes: (count: number) => void;
  readonly pace: Pace;
}

/** Fetches a layer, and where the destination takes tars, unpacks it. Throws CORRUPT_INPUT, NOT_FOUND. */
export async function takeLayer(
  { cache, documents, sink }: SurveyContext,
  layer: TargetLayer,
  options: StepOptions,
): Promise<void> {
  const file = await fetchInto(
    cache,
    keptLayer(layer, 'blob').name,
    documents.repository,
    layer.blob,
    options,
  );
  file.close();
  if (sink.takes === 'tar') await unpackKept(cache, layer, options);
}

/**
 * Runs a patch as it is downloaded, and keeps the layers whose token or diffID is in `wanted`. Throws what applying
 * throws, and CORRUPT_INPUT when the patch doesn't lead where the registry says.
 */
export async function takePatch(
  context: SurveyContext,
  { entry, manifest }: FoundPatch,
  wanted: ReadonlySet<Digest>,
  options: StepOptions,
): Promise<void> {
  const { cache, documents, holdings, sink } = context;
  const artifact = await findArtifact(documents.repository, entry.digest, options);
  if (artifact.target !== manifest) throw corrupt(`the patch ${entry.digest} is not for ${manifest}`);
  const opened = await openAnyPatch(readKeptParts(cache, documents.repository, artifact, options));
  const isWanted = (layer: TargetLayer) => wanted.has(layer.diffId) || wanted.has(tokenOf(layer, sink.takes));
  const made = openKeptSink(cache, sink.takes, isWanted);
  const open = (needed: readonly Digest[]) => openBase(needed, holdings, cache, options);
  if (opened.kind === 'bundle') {
    await takePart(opened.bundle, manifest, open, made, options);
    return;
  }
  const { reader } = opened;
  try {
    assertLeadsTo(reader, manifest);
    const needed = reader.header.base.layers.map(({ diffId }) => diffId);
    await applyPatch(reader, () => open(needed), made, options);
  } finally {
    await reader.close();
  }
}

/** A bundle in a registry is for one platform, with what others share with it. */
async function takePart(
  bundle: Bundle,
  manifest: Digest,
  open: (needed: readonly Digest[]) => Promise<OpenedImage>,
  sink: ImageSink,
  options: StoreOptions,
): Promise<void> {
  try {
    const parts = await bundle.openParts();
    const part = parts.images.find(({ reader }) => reader.documents.manifest?.digest === manifest);
    if (part === undefined)
      throw corrupt(`the bundle does not lead to ${manifest}; the registry says it does`);
    await applyPart(parts, part, ({ needed }) => open(needed), sink, options);
  } finally {
    await bundle.close();
  }
}

function assertLeadsTo({ documents }: PatchReader, manifest: Digest): void {
  const found = documents.manifest?.digest;
  if (found === manifest) return;
  throw corrupt(
    `the patch leads to ${found ?? 'an image without a manifest'}; the registry says ${manifest}`,
  );
}
