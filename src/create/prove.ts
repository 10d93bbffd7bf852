/** Replays a written patch as a receiver would and compares every result with the target's digests. */
import { type RandomAccess, readPieces } from '../bytes/access.ts';
import { type Digest, startDigest } from '../bytes/digest.ts';
import { DidiffError } from '../errors.ts';
import { type Phase, startPhase } from '../image/phase.ts';
import type { StoreOptions } from '../image/store.ts';
import type { PatchHeader, PatchLayer } from '../patch/header.ts';
import { openPatchReader, type PatchReader } from '../patch/reader.ts';
import {
  type BaseContent,
  baseContent,
  carriedPieces,
  copiedPieces,
  recreatedPieces,
  streamsFor,
  tarPieces,
} from '../rebuild/layer.ts';
import type { LateThreads } from './threads/late-threads.ts';
import type { ProofSources } from './threads/tasks.ts';

export interface ProofOptions extends StoreOptions {
  /** Threads, this one among them. */
  readonly threads: number;
  /** Absent where this thread does it all. */
  readonly lateThreads?: LateThreads | undefined;
}

/**
 * Throws RESULT_MISMATCH when a layer or blob does not come out as it must; the patch is then worthless. Layers that are
 * the base's own aren't made again: their recipes were replayed when they were found. Where there are threads, each
 * proves some of the layers.
 */
export async function provePatch(
  sources: ProofSources,
  header: PatchHeader,
  options: ProofOptions,
): Promise<void> {
  const { threads, lateThreads, onProgress } = options;
  const made = [...header.target.layers.entries()].filter(
    ([, { tar, blob }]) => tar.kind !== 'base' || isApart(blob?.source),
  );
  const groups = divide(
    made.map(([position, layer]) => ({ position, weight: weightOf(layer) })),
    lateThreads === undefined ? 1 : threads,
  );
  /** Of what threads do, progress is told when it is done. */
  const tickets = groups.map((layers, group) => {
    const here = () =>
      proveLayers(sources, layers, group === 0 ? options : { ...options, onProgress: undefined });
    return lateThreads?.prove(sources, layers, options.tempDirectory, here) ?? { result: here };
  });
  onProgress?.({ phase: 'checking the patch', doneBytes: 0 });
  for (const ticket of tickets) await ticket.result();
}

/** Whether a blob is made without the tar; a reader needs other streams for it. */
function isApart(source: string | undefined): boolean {
  return source === 'carried' || source === 'copies';
}

/** Proves these layers, by their places in the target, in ascending order. */
export async function proveLayers(
  { written, tars, blobs }: ProofSources,
  layers: readonly number[],
  options: StoreOptions,
): Promise<void> {
  const patch = await openPatchReader(asyncPieces(written));
  const base = baseContent(patch.header, tars, blobs);
  await proveTars(patch, layers, base, options);
  await proveBlobs(written, layers, base, options);
}

/** Ops cost more than bytes that are the same. */
const OP_WEIGHT = 50;

function weightOf({ tarBytes, streams }: PatchLayer): number {
  return streams.reduce((sum, { codedBytes }) => sum + OP_WEIGHT * codedBytes, tarBytes);
}

/** In groups of about equal weight, each in ascending order; the heaviest to where there is least. */
function divide(
  layers: readonly { readonly position: number; readonly weight: number }[],
  most: number,
): readonly (readonly number[])[] {
  const groups = Array.from({ length: Math.max(1, Math.min(most, layers.length)) }, () => ({
    weight: 0,
    layers: [] as number[],
  }));
  for (const { position, weight } of [...layers].sort(
    (a, b) => b.weight - a.weight || a.position - b.position,
  )) {
    const least = groups.reduce((best, each) => (each.weight < best.weight ? each : best));
    least.weight += weight;
    least.layers.push(position);
  }
  return groups.map((group) => group.layers.sort((a, b) => a - b));
}

/** All tars, and the blobs that come out of them. */
async function proveTars(
  patch: PatchReader,
  layers: readonly number[],
  base: BaseContent,
  options: StoreOptions,
): Promise<void> {
  try {
    const made = layersOf(patch, layers).filter(([, { tar }]) => tar.kind !== 'base');
    const { tick } = phase(
      'checking the patch',
      made.map(([, { tarBytes }]) => tarBytes),
      options,
    );
    for (const [position, layer] of made) {
      const { blob } = layer;
      const isRemade = blob?.source === 'recipe';
      const streams = await patch.enterLayer(position, streamsFor(layer, isRemade ? 'blob' : 'tar'));
      const digest = startDigest();
      const tar = hashed(tarPieces(layer, streams, base, options), digest, tick);
      if (isRemade) {
        const remade = startDigest();
        for await (const piece of recreatedPieces(layer, streams, tar, options)) remade.update(piece);
        assertSame(`the blob of layer ${position}`, remade.finish(), blob.digest);
      } else {
        for await (const _ of tar);
      }
      assertSame(`layer ${position}`, digest.finish(), layer.diffId);
    }
    await patch.finish();
  } finally {
    await patch.close();
  }
}

/** The blobs that are made without the tar. */
async function proveBlobs(
  written: RandomAccess,
  layers: readonly number[],
  base: BaseContent,
  options: StoreOptions,
): Promise<void> {
  const patch = await openPatchReader(asyncPieces(written));
  try {
    const made = layersOf(patch, layers).filter(([, { blob }]) => isApart(blob?.source));
    const { tick } = phase(
      'checking the blobs',
      made.map(([, { blob }]) => blob!.sizeBytes),
      options,
    );
    for (const [position, layer] of made) {
      const streams = await patch.enterLayer(position, streamsFor(layer, 'blob'));
      const pieces =
        layer.blob!.source === 'copies' ? copiedPieces(layer, streams, base) : carriedPieces(streams);
      const digest = startDigest();
      for await (const _ of hashed(pieces, digest, tick));
      assertSame(`the blob of layer ${position}`, digest.finish(), layer.blob!.digest);
    }
  } finally {
    await patch.close();
  }
}

function layersOf({ header }: PatchReader, layers: readonly number[]): [number, PatchLayer][] {
  return layers.map((position) => [position, header.target.layers[position]!]);
}

function phase(name: string, sizes: readonly number[], { signal, onProgress }: StoreOptions): Phase {
  return startPhase(
    name,
    sizes.reduce((sum, size) => sum + size, 0),
    signal,
    onProgress,
  );
}

async function* hashed(
  pieces: AsyncIterable<Uint8Array>,
  digest: { update(bytes: Uint8Array): void },
  tick: (bytes: number) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    digest.update(piece);
    await tick(piece.length);
    yield piece;
  }
}

async function* asyncPieces(bytes: RandomAccess): AsyncGenerator<Uint8Array> {
  yield* readPieces(bytes);
}

function assertSame(what: string, found: Digest, expected: Digest): void {
  if (found === expected) return;
  throw new DidiffError(
    'RESULT_MISMATCH',
    `${what} of the new patch comes out as ${found}, expected ${expected}`,
    {
      hint: 'This is a defect of didiff: no patch was written. Please report it with the two images, if you can share them.',
    },
  );
}
