/** The last step: what was fetched and made goes to the destination, which gets a name for it last. */
import { type RandomAccess, readPieces } from '../../bytes/access.ts';
import { type Digest, shortDigest } from '../../bytes/digest.ts';
import { DidiffError } from '../../errors.ts';
import type { OpenedImage, Published, StoreOptions, TargetImage, TargetLayer } from '../../image/store.ts';
import type { Holding } from './holdings.ts';
import { keptLayer } from './layers.ts';
import type { SurveyContext } from './survey.ts';

interface Source {
  readonly content: RandomAccess;
}

/** Writes the image. Everything it lacks has to be in the cache or in a holding. Throws what the sink throws. */
export async function deliver(
  context: SurveyContext,
  names: readonly string[],
  options: StoreOptions,
): Promise<Published & { readonly writtenLayers: number }> {
  const { sink } = context;
  const closing: { close(): void | Promise<void> }[] = [];
  try {
    const lacking = await sink.findLacking(context.target);
    const sources = await openSources(context, lacking, closing, options);
    const target = withSizes(context.target, sources);
    const positions = await sink.begin(target);
    const missing = positions.find((position) => !sources.has(position));
    if (missing !== undefined) throw changed(sink.name, target.layers[missing]!);
    let doneBytes = 0;
    const totalBytes = positions.reduce((sum, position) => sum + sources.get(position)!.content.sizeBytes, 0);
    const metered = async function* (content: RandomAccess) {
      for (const piece of readPieces(content)) {
        options.signal?.throwIfAborted();
        yield piece;
        doneBytes += piece.length;
        options.onProgress?.({ phase: 'hand over', doneBytes, totalBytes });
      }
    };
    for (const position of positions) await sink.putLayer(position, metered(sources.get(position)!.content));
    options.signal?.throwIfAborted();
    return { ...(await sink.commit(target, names)), writtenLayers: positions.length };
  } catch (error) {
    await sink.abort();
    throw error;
  } finally {
    for (const each of closing) await each.close();
  }
}

async function openSources(
  { target, sink, cache, holdings }: SurveyContext,
  lacking: readonly number[],
  closing: { close(): void | Promise<void> }[],
  options: StoreOptions,
): Promise<ReadonlyMap<number, Source>> {
  const sources = new Map<number, Source>();
  const fromHoldings = new Map<Holding, number[]>();
  for (const position of lacking) {
    const layer = target.layers[position]!;
    const { name, stored } = keptLayer(layer, sink.takes);
    const file = await cache.find(name, stored, options.signal);
    if (file !== undefined) {
      closing.push(file);
      sources.set(position, { content: file });
      continue;
    }
    const holding = holdings.find((each) => placeIn(each, layer, sink.takes) >= 0);
    if (holding === undefined) throw changed(sink.name, layer);
    fromHoldings.set(holding, [...(fromHoldings.get(holding) ?? []), position]);
  }
  for (const [holding, positions] of fromHoldings) {
    const image = await holding.open();
    closing.push(image);
    const places = positions.map((position) => placeIn(holding, target.layers[position]!, sink.takes));
    const contents = await openLayers(image, places, sink.takes, options);
    for (const [i, position] of positions.entries()) sources.set(position, { content: contents[i]! });
  }
  return sources;
}

function placeIn({ diffIds, blobs = [] }: Holding, layer: TargetLayer, form: 'tar' | 'blob'): number {
  return form === 'tar' ? diffIds.indexOf(layer.diffId) : blobs.indexOf(layer.blob.digest);
}

async function openLayers(
  image: OpenedImage,
  places: readonly number[],
  form: 'tar' | 'blob',
  options: StoreOptions,
): Promise<readonly RandomAccess[]> {
  if (form === 'blob') return await image.openBlobs(places, options);
  return (await image.openTars(places, options)).map(({ content }) => content);
}

/** How long a tar is, nothing says before it is here. */
function withSizes(target: TargetImage, sources: ReadonlyMap<number, Source>): TargetImage {
  const sizes = new Map<Digest, number>();
  for (const [position, { content }] of sources)
    sizes.set(target.layers[position]!.diffId, content.sizeBytes);
  return {
    ...target,
    layers: target.layers.map((layer) => ({ ...layer, tarSizeBytes: sizes.get(layer.diffId) ?? 0 })),
  };
}

function changed(name: string, { diffId }: TargetLayer): DidiffError {
  return new DidiffError(
    'STORAGE',
    `${name} lacks layer ${shortDigest(diffId)} by now, which it had before`,
    {
      hint: 'An image was removed meanwhile; run the command again.',
    },
  );
}
