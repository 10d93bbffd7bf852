/**
 * Where the bytes of a patch go, file by file. Most names and tar headers are predicted from the base and stand nowhere
 * in the patch, so its programs are run, each layer is proved, and what comes out is walked; nothing is kept.
 */
import { assertBase, openBaseTars } from '../../apply/base.ts';
import { startDigest } from '../../bytes/digest.ts';
import { type GetMixer, shareMixer } from '../../codec/mix-decoder.ts';
import { CODEC_MIX_BYTES, CODEC_MIX_INTEGERS, CODEC_STORED } from '../../codec/stream-decoder.ts';
import { corrupt } from '../../errors.ts';
import type { OpenedImage, StoreOptions } from '../../image/store.ts';
import { MIX_BYTES, MIX_INTEGERS } from '../../kernels/mix-contexts.ts';
import { DELTA_STREAMS } from '../../patch/format.ts';
import type { PatchLayer } from '../../patch/header.ts';
import type { LayerStreams, PatchReader } from '../../patch/reader.ts';
import { type BaseContent, baseContent, streamsFor, tarPieces } from '../../rebuild/layer.ts';
import type { RebuildOptions } from '../../rebuild/program.ts';
import { walkTarStream } from '../../tar/walk-stream.ts';
import { type BaseFiles, listBaseFiles } from './base-files.ts';
import { type CostMeter, costMeter, mixedMeter, storedMeter } from './costs.ts';
import { type FileDraft, layerFiles } from './layer-files.ts';
import type { InspectedFile } from './model.ts';
import { opLog } from './op-log.ts';
import { shareLayer } from './share-layer.ts';

/**
 * The entries of all layers that the patch makes, the costliest first. `base` must be the image that the patch was made
 * from: its layers are proved first. To be called before anything was read of the patch's layers. Throws BASE_MISMATCH, CORRUPT_INPUT and what the store throws.
 */
export async function inspectFiles(
  patch: PatchReader,
  base: OpenedImage,
  options: StoreOptions,
): Promise<readonly InspectedFile[]> {
  const { header } = patch;
  assertBase(header, base);
  const addressed = new Set([...header.base.layers.keys()].filter((at) => header.base.layers[at]!.addressed));
  const content = baseContent(header, await openBaseTars(header, base, addressed, options));
  const files = listBaseFiles([...addressed].map((at) => content.tars[at]!));
  const totalBytes = header.target.layers.reduce(
    (sum, { tar, tarBytes }) => sum + (tar.kind === 'base' ? 0 : tarBytes),
    0,
  );
  const getMixer = shareMixer();
  let doneBytes = 0;
  const entries: InspectedFile[] = [];
  for (const [position, layer] of header.target.layers.entries()) {
    if (layer.tar.kind === 'base') continue;
    const streams = await patch.enterLayer(position, streamsFor(layer, 'tar'));
    const onBytes = (count: number) => {
      doneBytes += count;
      options.onProgress?.({ phase: 'reading', doneBytes, totalBytes });
    };
    const drafts = await draftsOf(layer, streams, content, files, options, getMixer, onBytes);
    for (const entry of shareLayer(layer, position, drafts)) entries.push(entry);
  }
  entries.sort(
    (a, b) =>
      b.patchBytes - a.patchBytes || a.layer - b.layer || (a.path < b.path ? -1 : a.path > b.path ? 1 : 0),
  );
  return entries;
}

async function draftsOf(
  layer: PatchLayer,
  streams: LayerStreams,
  content: BaseContent,
  base: BaseFiles,
  options: StoreOptions,
  getMixer: GetMixer,
  onBytes: (count: number) => void,
): Promise<readonly FileDraft[]> {
  base.startLayer();
  const files = layerFiles(base);
  const meters = DELTA_STREAMS.map((stream) => meterOf(layer, stream, getMixer));
  const trace = opLog(meters, base, files.addStretch);
  const rebuild: RebuildOptions = { tempDirectory: options.tempDirectory, signal: options.signal, trace };
  const pieces = proved(layer, tarPieces(layer, streams, content, rebuild), options.signal, onBytes);
  for await (const segment of walkTarStream(pieces)) {
    if (layer.tar.kind === 'blob') files.addCarried(segment);
    else files.addSegment(segment);
  }
  return files.drafts;
}

function meterOf({ streams }: PatchLayer, stream: number, getMixer: GetMixer): CostMeter {
  const codec = streams.find((each) => each.stream === stream)?.codec;
  switch (codec) {
    case CODEC_MIX_BYTES:
      return mixedMeter(MIX_BYTES, getMixer);
    case CODEC_MIX_INTEGERS:
      return mixedMeter(MIX_INTEGERS, getMixer);
    case CODEC_STORED:
      return storedMeter();
    default:
      return costMeter();
  }
}

/** Passes on what is made of the layer, and compares its digest at the end. */
async function* proved(
  layer: PatchLayer,
  pieces: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
  onBytes: (count: number) => void,
): AsyncGenerator<Uint8Array> {
  const digest = startDigest();
  for await (const piece of pieces) {
    signal?.throwIfAborted();
    digest.update(piece);
    yield piece;
    onBytes(piece.length);
  }
  const found = digest.finish();
  if (found !== layer.diffId) throw corrupt(`a layer came out as ${found}; expected ${layer.diffId}`);
}
