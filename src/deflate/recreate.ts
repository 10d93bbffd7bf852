/**
 * From a layer tar and a recipe to the exact blob, streaming: plain bytes are pushed in, blob bytes come out.
 * Whatever a recipe says, no more comes out than the blob size it declares, and memory does not grow.
 */
import { crc32 } from 'node:zlib';
import { corrupt } from '../errors.ts';
import type { ByteSink } from './bits.ts';
import { createModel } from './engines.ts';
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
        throw corrupt(`a layer tar is longer than the ${recipe.plainBytes} bytes its recipe was made for`);
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
        throw corrupt(`a layer tar ended after ${plain} bytes; its recipe was made for ${recipe.plainBytes}`);
      }
      runEvents();
      endMember();
      if (recipe.tail.length > 0) out.take(recipe.tail);
      out.finish();
    },
  };
}

/**
 * The blob re-created from a stream of the layer tar, in pieces that are valid until the next is asked for. Throws
 * CANCELLED when `signal` fires, CORRUPT_INPUT and UNSUPPORTED as `openRecreation`.
 */
export async function* recreateBlob(
  recipe: Uint8Array,
  tar: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: { readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<Uint8Array> {
  const output = holdOutput();
  const recreation = openRecreation(recipe, output.sink);
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
