/** The steps of a pull: a layer fetched whole, or a patch run, each into the cache. */
import { applyPatch } from '../../apply/apply.ts';
import type { Digest } from '../../bytes/digest.ts';
import { corrupt } from '../../errors.ts';
import type { StoreOptions, TargetLayer } from '../../image/store.ts';
import { openPatchReader, type PatchReader } from '../../patch/reader.ts';
import { findArtifact } from '../list.ts';
import { openBase } from './base.ts';
import { fetchInto, readKeptParts } from './fetch.ts';
import { keptLayer, openKeptSink, tokenOf, unpackKept } from './layers.ts';
import type { FoundPatch, SurveyContext } from './survey.ts';

export interface StepOptions extends StoreOptions {
  /** Told of each piece that came over the line. */
  readonly onBytes: (count: number) => void;
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
  const reader = await openPatchReader(readKeptParts(cache, documents.repository, artifact, options));
  try {
    assertLeadsTo(reader, manifest);
    const isWanted = (layer: TargetLayer) =>
      wanted.has(layer.diffId) || wanted.has(tokenOf(layer, sink.takes));
    const needed = reader.header.base.layers.map(({ diffId }) => diffId);
    const made = openKeptSink(cache, sink.takes, isWanted);
    await applyPatch(reader, () => openBase(needed, holdings, cache, options), made, options);
  } finally {
    await reader.close();
  }
}

function assertLeadsTo({ documents }: PatchReader, manifest: Digest): void {
  const found = documents.manifest?.digest;
  if (found === manifest) return;
  throw corrupt(
    `the patch leads to ${found ?? 'an image without a manifest'}; the registry says ${manifest}`,
  );
}
