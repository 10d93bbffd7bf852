/**
 * From a layer tar and a recipe to the exact blob, streaming: plain bytes are pushed in, blob bytes come out.
 * Whatever a recipe says, no more comes out than the blob size it declares, and memory does not grow.
 */
import { crc32 } from 'node:zlib';
import { corrupt, type DidiffError } from '../errors.ts';
import type { ByteSink } from './bits.ts';
import { compressBlocks } from './blocks/compress.ts';
import { type Helper, openHelper } from './blocks/helper.ts';
import { type BlockSettings, DICTIONARY_BYTES } from './blocks/tasks.ts';
import { createModel, pgzipBlocks } from './engines.ts';
import { gzipTrailer } from './gzip.ts';
import { holdOutput } from './held-output.ts';
import { decodeRecipe, type Recipe } from './recipe.ts';

/** A blob in the making. */
export interface Recreation {
  /** Takes the next bytes of the layer tar; they are not kept. */
  write(bytes: Uint8Array): void;
  /** To be called once after the last byte. Throws CORRUPT_INPUT when the tar was shorter than the recipe says. */
  finish(): void;
}

/**
 * Starts re-creating a blob; `sink` gets its pieces, each valid during the call. Throws CORRUPT_INPUT or UNSUPPORTED for
 * a recipe that can't be followed. Whether the result has the blob's digest is for the caller to check.
 */
export function openRecreation(recipe: Uint8Array, sink: ByteSink): Recreation {
  return startRecreation(decodeRecipe(recipe), sink);
}

export function startRecreation(recipe: Recipe, sink: ByteSink): Recreation {
  const { events, headers } = recipe;
  const out = limitedSink(recipe.blobBytes, sink);
  const model = createModel(recipe.engine, out.take, recipe.corrections);
  let nextEvent = 0;
  let plain = 0;
  let member = 0;
  let memberStart = 0;
  let crc = 0;

  const startMember = (header: number) => {
    out.take(headers[header]!);
    memberStart = plain;
    crc = 0;
  };
  const endMember = () => {
    model.finish();
    const odd = recipe.oddTrailers.get(member);
    out.take(odd === undefined ? gzipTrailer(crc, plain - memberStart) : odd);
    member++;
  };
  const runEvents = () => {
    for (; nextEvent < events.length && events[nextEvent]!.plainOffset === plain; nextEvent++) {
      const { header } = events[nextEvent]!;
      if (header < 0) model.flush();
      else {
        endMember();
        model.reset();
        startMember(header);
      }
    }
  };
  const pass = (bytes: Uint8Array) => {
    model.write(bytes);
    crc = crc32(bytes, crc);
    plain += bytes.length;
  };

  startMember(0);
  return {
    write(bytes) {
      if (plain + bytes.length > recipe.plainBytes) {
        throw tooLong(recipe);
      }
      for (let at = 0; at < bytes.length; ) {
        runEvents();
        const untilEvent = (events[nextEvent]?.plainOffset ?? Number.POSITIVE_INFINITY) - plain;
        const count = Math.min(bytes.length - at, untilEvent);
        pass(bytes.subarray(at, at + count));
        at += count;
      }
    },
    finish() {
      if (plain !== recipe.plainBytes) {
        throw tooShort(recipe, plain);
      }
      runEvents();
      endMember();
      if (recipe.tail.length > 0) out.take(recipe.tail);
      out.finish();
    },
  };
}

export interface RecreateOptions {
  readonly signal?: AbortSignal | undefined;
  /** With 2 or more, blocks that were compressed apart are compressed on two threads, which takes 20 MB. Default 1. */
  readonly threads?: number | undefined;
}

/**
 * The blob re-created from a stream of the layer tar, in pieces that are valid until the next is asked for. Throws
 * CANCELLED when `signal` fires, CORRUPT_INPUT and UNSUPPORTED as `openRecreation`.
 */
export async function* recreateBlob(
  recipe: Uint8Array,
  tar: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: RecreateOptions = {},
): AsyncGenerator<Uint8Array> {
  const decoded = decodeRecipe(recipe);
  const blocks = blocksApart(decoded);
  const helper = blocks === undefined || (options.threads ?? 1) < 2 ? undefined : openHelper(blocks);
  if (blocks !== undefined && helper !== undefined) {
    try {
      yield* recreateBlocks(decoded, tar, blocks, helper, options.signal);
    } finally {
      await helper.close();
    }
    return;
  }
  const output = holdOutput();
  const recreation = startRecreation(decoded, output.sink);
  for await (const bytes of tar) {
    // Long pieces of plain bytes are taken in steps, so that what waits to be handed out stays small.
    for (let at = 0; at < bytes.length; at += STEP_BYTES) {
      options.signal?.throwIfAborted();
      recreation.write(bytes.subarray(at, at + STEP_BYTES));
      const made = output.take();
      if (made.length > 0) yield made;
    }
  }
  recreation.finish();
  const rest = output.take();
  if (rest.length > 0) yield rest;
}

const STEP_BYTES = 1 << 18;
/** Starting a thread takes as long as compressing a good part of this. */
const WORTH_HELP_BYTES = 8 << 20;
/** Larger ones, which no encoder makes by itself, would take memory out of proportion. */
const MOST_BLOCK_BYTES = 1 << 20;

/** How a blob's blocks can be compressed apart; undefined where they can't, or it isn't worth it. */
function blocksApart({ engine, plainBytes, events, corrections }: Recipe): BlockSettings | undefined {
  const blocks = pgzipBlocks(engine);
  if (blocks === undefined || plainBytes < WORTH_HELP_BYTES || events.length + corrections.length > 0)
    return undefined;
  const { blockBytes } = blocks;
  return blockBytes >= DICTIONARY_BYTES && blockBytes <= MOST_BLOCK_BYTES ? blocks : undefined;
}

/** As `startRecreation` does it, on two threads, for a recipe of one member without events. */
async function* recreateBlocks(
  recipe: Recipe,
  tar: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  blocks: BlockSettings,
  helper: Helper,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const out = limitedSink(recipe.blobBytes, () => {});
  const limited = (piece: Uint8Array): Uint8Array => {
    out.take(piece);
    return piece;
  };
  let plain = 0;
  let crc = 0;
  const onPlain = (piece: Uint8Array) => {
    signal?.throwIfAborted();
    plain += piece.length;
    if (plain > recipe.plainBytes) throw tooLong(recipe);
    crc = crc32(piece, crc);
  };
  yield limited(recipe.headers[0]!);
  for await (const piece of compressBlocks(tar, blocks, helper, onPlain)) yield limited(piece);
  if (plain !== recipe.plainBytes) throw tooShort(recipe, plain);
  yield limited(recipe.oddTrailers.get(0) ?? gzipTrailer(crc, plain));
  yield limited(recipe.tail);
  out.finish();
}

function tooLong({ plainBytes }: Recipe): DidiffError {
  return corrupt(`a layer tar is longer than the ${plainBytes} bytes its recipe was made for`);
}

function tooShort({ plainBytes }: Recipe, foundBytes: number): DidiffError {
  return corrupt(`a layer tar ended after ${foundBytes} bytes; its recipe was made for ${plainBytes}`);
}

function limitedSink(mostBytes: number, sink: ByteSink): { take: ByteSink; finish(): void } {
  let left = mostBytes;
  return {
    take(piece) {
      if (piece.length > left) {
        throw corrupt(`a recipe makes more than the ${mostBytes} bytes it says its blob has`);
      }
      left -= piece.length;
      if (piece.length > 0) sink(piece);
    },
    finish() {
      if (left > 0) throw corrupt(`a recipe makes ${left} bytes less than the ${mostBytes} its blob has`);
    },
  };
}
