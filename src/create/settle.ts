/**
 * Settles what planning left open: whether a blob that could be put together of the base's is worth what its layer's tar
 * costs besides, or is carried, which gives the tar too. By the sizes of what was coded, not by guesses.
 */
import { DELTA_STREAMS, STREAM_SEEKS } from '../patch/format.ts';
import { copiesBytes } from './blob-copies.ts';
import { type CodedStream, type CodeOptions, codeStreams } from './entropy.ts';
import type { LayerPlan, Plan } from './plan.ts';
import type { Program } from './program.ts';

/** What a seek takes when it is coded, about: they can't be coded before it is known which base layers are read. */
const SEEK_BYTES = 2;
/** All streams of ops that don't depend on which base layers are read. */
const SETTLED_STREAMS = DELTA_STREAMS.filter((stream) => stream !== STREAM_SEEKS);

export interface Settled {
  readonly plan: Plan;
  readonly programs: readonly (Program | undefined)[];
  /** Streams that are coded already, all of a layer but its seeks; by the layer's position. */
  readonly coded: ReadonlyMap<number, readonly CodedStream[]>;
}

export async function settlePlan(
  plan: Plan,
  programs: readonly (Program | undefined)[],
  options: CodeOptions,
  owned: { close(): void }[],
): Promise<Settled> {
  const coded = new Map<number, readonly CodedStream[]>();
  const layers: LayerPlan[] = [];
  for (const layer of plan.layers) {
    const { blob, position } = layer;
    const program = programs[position];
    if (blob?.source !== 'copies' || program === undefined) {
      layers.push(layer);
      continue;
    }
    const streams = await codeStreams(program.streams, SETTLED_STREAMS, layer.position, options);
    owned.push(...streams);
    const tarBytes =
      SEEK_BYTES * program.sources.count + streams.reduce((sum, { info }) => sum + info.codedBytes, 0);
    const blobBytes = blob.content!.sizeBytes;
    const isWorthIt = tarBytes + copiesBytes(blob.copies!, blobBytes) < blobBytes;
    if (isWorthIt) coded.set(position, streams);
    layers.push(isWorthIt ? layer : { ...layer, how: 'blob', blob: { ...blob, source: 'carried' } });
  }
  return {
    plan: { ...plan, layers },
    programs: programs.map((program, position) => (layers[position]!.how === 'delta' ? program : undefined)),
    coded,
  };
}
