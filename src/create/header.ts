/** Puts a patch's header together once everything in it is known. */

import { CODEC_RECALL, isMixed } from '../codec/stream-decoder.ts';
import type { Platform } from '../image/platform.ts';
import type { ImageMetadata, LayerTar } from '../image/store.ts';
import { MIX_MEMORY_BYTES } from '../kernels/mix.ts';
import { recallMemoryBytes } from '../kernels/recall.ts';
import { MAX_HELD_BYTES } from '../nested/forms.ts';
import type { View } from '../nested/views.ts';
import { MAX_PART_DEPTH, STREAM_CHUNK_BYTES } from '../patch/format.ts';
import {
  type BaseLayer,
  type BlobSource,
  type DocumentInfo,
  FEATURE_BITCODE,
  FEATURE_BLOB_COPIES,
  FEATURE_EXECUTABLES,
  FEATURE_GZIP_RECIPE,
  FEATURE_LISTED_DIGESTS,
  FEATURE_MIX,
  FEATURE_OPENED_PARTS,
  FEATURE_RECALL,
  FEATURE_STRINGS,
  type PatchHeader,
  type PatchLayer,
} from '../patch/header.ts';
import { PIECE_BYTES } from '../rebuild/program.ts';
import type { PlacedBlob } from './blob-copies.ts';
import type { CodedStream } from './entropy.ts';
import type { ExecutableCounts } from './executable-counts.ts';
import type { LayerPlan, Plan } from './plan.ts';
import type { Program } from './program.ts';
import type { SourceLog } from './source-log.ts';
import { patchViewAddresses, usedViews, viewAt } from './used-views.ts';

export interface Assembly {
  readonly baseName: string;
  readonly targetName: string;
  readonly platform: Platform;
  readonly baseLayers: readonly BaseLayer[];
  readonly baseBlobs: readonly PlacedBlob[];
  readonly plan: Plan;
  /** Per layer of the target. */
  readonly executables: readonly ExecutableCounts[];
  /** Whether any part is opened, of the target or of the base. */
  readonly parts: boolean;
  /** The most bytes, closed and plain, of bitcode that is opened at a time; 0 when none is. */
  readonly bitcodeBytes: number;
  /** Whether any strings are opened. */
  readonly strings: boolean;
  /** Digests that a reader makes of one layer's files, at most. */
  readonly digests: number;
  /** Per layer of the target: bytes of its views. */
  readonly viewBytes: readonly number[];
  /** Per layer of the target. */
  readonly streams: readonly (readonly CodedStream[])[];
}

/** What wrote a patch; the same version makes the same bytes. */
export const WRITER = 'didiff 0.1';

/** What of the base a patch reads, and where it is in the patch. */
export interface BaseUse {
  readonly layers: readonly BaseLayer[];
  /** Per layer of the target, those that its ops read. */
  readonly views: readonly (readonly PatchView[])[];
  /** Per layer of the target: from a place in all base layers and views to an address of the patch. */
  readonly toPatchAddress: readonly ((address: number) => number)[];
}

/** A view with the addresses that it has in the patch. */
export type PatchView = Pick<View, 'form' | 'address' | 'end' | 'sizeBytes'>;

/**
 * The base layers that the patch needs, those of the `blobs` that it copies from included, each once, and the views of
 * each layer. `views` are all that were opened.
 */
export function useBase(
  tars: readonly LayerTar[],
  plan: Plan,
  programs: readonly (Program | undefined)[],
  views: readonly View[],
  blobs: readonly PlacedBlob[] = [],
): BaseUse {
  const starts: number[] = [];
  let end = 0;
  for (const { content } of tars) {
    starts.push(end);
    end += content.sizeBytes;
  }
  const used = programs.map((program) =>
    program === undefined ? [] : usedViews(program.sources, views, end),
  );
  const addressed = new Set<number>();
  for (const program of programs)
    if (program !== undefined) markRead(program.sources, starts, end, addressed);
  for (const view of used.flat()) if (view.address < end) addressed.add(layerAt(starts, view.address));
  const whole = new Set([
    ...plan.layers.filter(({ how }) => how === 'base').map(({ samePosition }) => samePosition),
    ...blobs.map(({ position }) => position),
  ]);
  const layers: BaseLayer[] = [];
  /** Per base layer: how far its addresses move down. */
  const shifts: number[] = [];
  let patchEnd = 0;
  for (const [position, { diffId, content }] of tars.entries()) {
    shifts.push(starts[position]! - patchEnd);
    const isRead = addressed.has(position);
    if (!isRead && !whole.has(position)) continue;
    layers.push({ diffId, sizeBytes: content.sizeBytes, addressed: isRead });
    if (isRead) patchEnd += content.sizeBytes;
  }
  const toPatchAddress = used.map((own) => {
    const viewStarts = patchViewAddresses(own, patchEnd);
    return (address: number): number => {
      if (address < end || own.length === 0) return address - shifts[layerAt(starts, address)]!;
      const view = viewAt(own, address);
      return viewStarts.get(view)! + address - view.viewAddress;
    };
  });
  const patchViews = used.map((own, layer) =>
    own.map(({ form, address, end: sourceEnd, sizeBytes }): PatchView => {
      const start = toPatchAddress[layer]!(address);
      return { form, address: start, end: start + sourceEnd - address, sizeBytes };
    }),
  );
  return { layers, views: patchViews, toPatchAddress };
}

/** Notes every layer that a source touches; a region may go on from one layer into the next. */
function markRead(sources: SourceLog, starts: readonly number[], end: number, addressed: Set<number>): void {
  for (let i = 0; i < sources.count; i++) {
    const address = sources.addresses[i]!;
    if (address >= end) continue;
    const last = layerAt(starts, Math.min(end, address + sources.lengths[i]!) - 1);
    for (let layer = layerAt(starts, address); layer <= last; layer++) addressed.add(layer);
  }
}

/** The last layer that begins at or before `address`: of empty layers at one place, the one that has bytes. */
function layerAt(starts: readonly number[], address: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= address) low = middle;
    else high = middle - 1;
  }
  return low;
}

export function assembleHeader(assembly: Assembly): PatchHeader {
  const { plan, baseLayers, baseBlobs } = assembly;
  const layers = plan.layers.map((layer) => patchLayer(layer, assembly));
  const blobsFrom = (source: BlobSource) => plan.layers.some(({ blob }) => blob?.source === source);
  const requires: string[] = [];
  if (blobsFrom('recipe')) requires.push(FEATURE_GZIP_RECIPE);
  if (assembly.executables.some(({ files }) => files > 0)) requires.push(FEATURE_EXECUTABLES);
  if (blobsFrom('copies')) requires.push(FEATURE_BLOB_COPIES);
  if (assembly.parts) requires.push(FEATURE_OPENED_PARTS);
  if (assembly.bitcodeBytes > 0) requires.push(FEATURE_BITCODE);
  if (assembly.strings) requires.push(FEATURE_STRINGS);
  const codecs = layers.flatMap(({ streams }) => streams.map(({ codec }) => codec));
  if (codecs.some(isMixed)) requires.push(FEATURE_MIX);
  if (codecs.includes(CODEC_RECALL)) requires.push(FEATURE_RECALL);
  if (assembly.digests > 0) requires.push(FEATURE_LISTED_DIGESTS);
  return {
    writer: WRITER,
    requires,
    memoryBytes:
      Math.max(0, ...layers.map((layer, at) => readerMemory(layer, assembly.executables[at]!))) +
      (assembly.parts ? PARTS_BYTES : 0) +
      BITCODE_COPIES * assembly.bitcodeBytes +
      assembly.digests * DIGEST_BYTES,
    base: {
      name: portableName(assembly.baseName),
      layers: baseLayers,
      blobs: baseBlobs.map(({ digest, sizeBytes }) => ({ digest, sizeBytes })),
    },
    target: {
      name: portableName(assembly.targetName),
      platform: assembly.platform,
      documents: documentsOf(plan.metadata),
      layers,
    },
  };
}

function patchLayer(layer: LayerPlan, assembly: Assembly): PatchLayer {
  const { streams, baseLayers, executables, viewBytes } = assembly;
  const { position, diffId, how, blob, tar } = layer;
  const { files } = executables[position]!;
  const baseLayer = baseLayers.findIndex((each) => each.diffId === diffId);
  return {
    diffId,
    tarBytes: how === 'base' ? baseLayers[baseLayer]!.sizeBytes : tar!.sizeBytes,
    tar: how === 'base' ? { kind: 'base', baseLayer } : { kind: how },
    streams: streams[position]!.map(({ info }) => info).sort((a, b) => a.stream - b.stream),
    ...(files === 0 ? {} : { predicted: files }),
    ...(viewBytes[position] === 0 ? {} : { viewBytes: viewBytes[position]! }),
    ...(blob === undefined
      ? {}
      : {
          blob: {
            digest: blob.descriptor.digest,
            sizeBytes: blob.descriptor.sizeBytes,
            mediaType: blob.descriptor.mediaType,
            source: blob.source,
            ...(blob.encoder === undefined ? {} : { encoder: blob.encoder }),
            ...(blob.correctionsBytes ? { correctionsBytes: blob.correctionsBytes } : {}),
          },
        }),
  };
}

/** The order is that of their bytes in the documents section. */
export function documentsOf({ config, manifest, index }: ImageMetadata): readonly DocumentInfo[] {
  const documents: DocumentInfo[] = [];
  for (const [role, document] of [
    ['config', config],
    ['manifest', manifest],
    ['index', index],
  ] as const) {
    if (document === undefined) continue;
    const { mediaType, digest, bytes } = document;
    documents.push({ role, mediaType, digest, sizeBytes: bytes.length });
  }
  return documents;
}

/** Tables of a gzip model with its history and tokens; docs/gzip.md states each model's. */
const MODEL_BYTES = 4 << 20;

/** A model for each depth of parts, and what waits for the sums of an entry. */
const PARTS_BYTES = 2 * MODEL_BYTES + MAX_PART_DEPTH * MAX_HELD_BYTES;

/** Bitcode is held in pieces and as a whole, and what is made of it in room that doubles. */
const BITCODE_COPIES = 3;

/** A digest that a reader keeps. */
const DIGEST_BYTES = 128;

/** Windows of all streams that are read side by side, a chunk and an output buffer each, and the layer's own pieces. */
function readerMemory(layer: PatchLayer, executables: ExecutableCounts): number {
  const windows = layer.streams.reduce((sum, { codec, windowBits }) => {
    const window = codec === CODEC_RECALL ? recallMemoryBytes(windowBits) : 2 ** windowBits;
    return sum + window + STREAM_CHUNK_BYTES + (1 << 17);
  }, 0);
  const mixed = layer.streams.filter(({ codec }) => isMixed(codec));
  // Twice: held coded until the last piece is there, and held plain until it is used.
  const mixing = mixed.reduce(
    (sum, { plainBytes }) => sum + 2 * plainBytes,
    mixed.length > 0 ? MIX_MEMORY_BYTES : 0,
  );
  const model = layer.blob?.source === 'recipe' ? MODEL_BYTES : 0;
  return windows + mixing + model + Math.ceil(executables.memoryBytes) + 4 * PIECE_BYTES;
}

/**
 * An image's name without the directories of its file: where the maker keeps images is nobody's business, and the same
 * images make the same patch wherever they are.
 */
export function portableName(name: string): string {
  const [, transport = '', path = '', ref = ''] =
    /^(oci|oci-archive|docker-archive):([^:]*)(.*)$/s.exec(name) ?? [];
  return transport === '' ? name : `${transport}:${path.replace(/^.*[/\\]/s, '')}${ref}`;
}
