/**
 * One layer of a patch as a stream of bytes: its tar, or its exact blob. `create` runs this to prove what it wrote, and
 * `apply` to make the image, so that both see the very same thing.
 */
import { concatAccess, type RandomAccess, readPieces } from '../bytes/access.ts';
import { openTempFile } from '../bytes/file.ts';
import { type ListedStream, openDecoder } from '../codec/stream-decoder.ts';
import { recreateBlob } from '../deflate/recreate.ts';
import { corrupt, DidiffError } from '../errors.ts';
import { decodeBlob } from '../image/decode-blob.ts';
import { compressionOf } from '../image/media-types.ts';
import {
  DELTA_STREAMS,
  MAX_RECIPE_BYTES,
  STREAM_BLOB,
  STREAM_COPIES,
  STREAM_RECIPE,
  STREAM_VIEWS,
} from '../patch/format.ts';
import type { PatchHeader, PatchLayer } from '../patch/header.ts';
import type { LayerStreams } from '../patch/reader.ts';
import { runCopies } from './copies.ts';
import { type RebuildOptions, runProgram } from './program.ts';

/** The base layers a patch reads, by their place in its header; those that weren't asked for are absent. */
export interface BaseContent {
  readonly tars: readonly (RandomAccess | undefined)[];
  /** What ops address: the layers marked so, one after the other. */
  readonly space: RandomAccess;
  /** What copies address: the blobs in the patch's header, one after the other; absent where no blob is made of them. */
  readonly blobs?: RandomAccess;
}

/** Throws BASE_MISMATCH when a layer is not of the size the patch says, which its diffID already rules out. */
export function baseContent(
  header: PatchHeader,
  tars: readonly (RandomAccess | undefined)[],
  blobs?: RandomAccess,
): BaseContent {
  const parts: RandomAccess[] = [];
  for (const [position, layer] of header.base.layers.entries()) {
    const tar = tars[position];
    if (tar !== undefined && tar.sizeBytes !== layer.sizeBytes) {
      throw new DidiffError(
        'BASE_MISMATCH',
        `base layer ${layer.diffId} is ${tar.sizeBytes} bytes; the patch says ${layer.sizeBytes}`,
      );
    }
    if (layer.addressed) parts.push(tar ?? absent(layer.sizeBytes));
  }
  return { tars, space: concatAccess(parts), ...(blobs === undefined ? {} : { blobs }) };
}

/** Stands for a layer that no one needs; a patch that reads it after all lies about what it addresses. */
function absent(sizeBytes: number): RandomAccess {
  return {
    sizeBytes,
    readAt() {
      throw corrupt('the patch reads a base layer that it says it does not read');
    },
  };
}

/** The streams that are read to make the layer in this form. */
export function streamsFor({ tar, blob }: PatchLayer, form: 'tar' | 'blob'): readonly number[] {
  const ofTar =
    tar.kind === 'delta' ? [...DELTA_STREAMS, STREAM_VIEWS] : tar.kind === 'blob' ? [STREAM_BLOB] : [];
  if (form === 'tar') return ofTar;
  switch (blob?.source) {
    case 'recipe':
      return [...ofTar, STREAM_RECIPE];
    case 'copies':
      return [STREAM_BLOB, STREAM_COPIES];
    case 'carried':
      return [STREAM_BLOB];
    case 'base':
      return [];
    default:
      return ofTar;
  }
}

/** The layer's tar, in pieces that are valid until the next is asked for. Not verified: the caller takes the digest. */
export async function* tarPieces(
  layer: PatchLayer,
  streams: LayerStreams,
  base: BaseContent,
  options: RebuildOptions,
): AsyncGenerator<Uint8Array> {
  if (layer.tar.kind === 'base') {
    const tar = base.tars[layer.tar.baseLayer];
    if (tar === undefined) throw corrupt(`base layer ${layer.tar.baseLayer} was not opened`);
    for (const piece of readPieces(tar)) yield piece;
  } else if (layer.tar.kind === 'delta') {
    yield* runProgram(layer, streams, base.space, options);
  } else {
    yield* unpackCarried(layer, streams, options);
  }
}

/** A carried blob goes to a scratch file first: what may stand behind its last member shows only at its end. */
async function* unpackCarried(
  layer: PatchLayer,
  streams: LayerStreams,
  options: RebuildOptions,
): AsyncGenerator<Uint8Array> {
  const scratch = openTempFile(options.tempDirectory);
  try {
    for await (const piece of carriedPieces(streams)) scratch.append(piece);
    const start = new Uint8Array(Math.min(4, scratch.sizeBytes));
    scratch.readAt(0, start);
    const what = `the blob of layer ${layer.diffId}`;
    const tar = decodeBlob(scratch, compressionOf(start), what, options.signal);
    yield* exactly(tar, layer.tarBytes, `what ${what} unpacks to`);
  } finally {
    scratch.close();
  }
}

/** Passes `pieces` on as long as they are not more than `sizeBytes`, however much a blob or recipe would expand to. */
async function* exactly(
  pieces: AsyncIterable<Uint8Array>,
  sizeBytes: number,
  what: string,
): AsyncGenerator<Uint8Array> {
  let left = sizeBytes;
  for await (const piece of pieces) {
    left -= piece.length;
    if (left < 0) throw corrupt(`${what} is more than the ${sizeBytes} bytes that the patch says`);
    yield piece;
  }
  if (left > 0) throw corrupt(`${what} is ${left} bytes less than the ${sizeBytes} that the patch says`);
}

/** The blob as the patch carries it. */
export async function* carriedPieces(streams: LayerStreams): AsyncGenerator<Uint8Array> {
  const pull = streams.pull(STREAM_BLOB);
  for (let piece = await pull(); piece !== undefined; piece = await pull()) yield piece;
}

/** The blob put together of copies from the base's blobs, and of what they don't have. */
export function copiedPieces(
  layer: PatchLayer,
  streams: LayerStreams,
  base: BaseContent,
): AsyncGenerator<Uint8Array> {
  if (base.blobs === undefined) throw corrupt("the base's blobs were not opened");
  return runCopies(layer, streams, base.blobs);
}

/** The blob re-created from the layer's tar by the recipe in the patch. */
export async function* recreatedPieces(
  layer: PatchLayer,
  streams: LayerStreams,
  tar: AsyncIterable<Uint8Array>,
  options: RebuildOptions,
): AsyncGenerator<Uint8Array> {
  const info = layer.streams.find(({ stream }) => stream === STREAM_RECIPE);
  const recipe = await readWhole(streams, info);
  if (recipe.length !== info?.plainBytes) {
    throw corrupt(`a recipe has ${recipe.length} bytes; the patch says ${info?.plainBytes ?? 0}`);
  }
  const blob = recreateBlob(recipe, tar, options);
  yield* exactly(blob, layer.blob?.sizeBytes ?? 0, `the re-created blob of layer ${layer.diffId}`);
}

async function readWhole(streams: LayerStreams, listed: ListedStream | undefined): Promise<Uint8Array> {
  const decoder = openDecoder(listed, streams.pull(STREAM_RECIPE), 'a recipe', streams.getMixer);
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for (let piece = await decoder.next(); piece !== undefined; piece = await decoder.next()) {
      size += piece.length;
      if (size > MAX_RECIPE_BYTES) throw corrupt(`a recipe is larger than ${MAX_RECIPE_BYTES} bytes`);
      parts.push(Uint8Array.from(piece));
    }
  } finally {
    decoder.close();
  }
  return Buffer.concat(parts);
}
