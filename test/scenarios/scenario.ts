/** What a row of the scenario table is, and the words its rows are written in. */
import { gzipSync } from 'node:zlib';
import { rawDocument } from '../../src/image/manifest.ts';
import { OCI_LAYER_TAR } from '../../src/image/media-types.ts';
import type { FixtureImage, LayerSpec } from '../fixtures/images.ts';
import { buildImage } from '../fixtures/images.ts';
import { buildTar, type TarEntrySpec } from '../fixtures/layer-tar.ts';

/** A pair of images. Every row is run both ways. */
export interface Scenario {
  readonly name: string;
  readonly base: FixtureImage;
  readonly target: FixtureImage;
  /** The patch is no larger, from base to target and back: what shows that the content came from the base. */
  readonly most: readonly [forwards: number, backwards: number];
}

/** What header, documents and framing of a patch take at most, for images of few layers. */
export const FRAME = 1500;

export function scenario(
  name: string,
  base: readonly LayerSpec[],
  target: readonly LayerSpec[],
  most: Scenario['most'] = [FRAME, FRAME],
): Scenario {
  return {
    name,
    base: buildImage({ seed: 1, label: 'base', layers: base }),
    target: buildImage({ seed: 2, label: 'target', layers: target }),
    most,
  };
}

/** The blobs of rows that aren't about blobs are the tars themselves, so that a patch's size is that of its delta. */
export function plain(tar: Uint8Array): LayerSpec {
  return { tar, compression: 'none' };
}

/** A layer of these entries. */
export function layer(...entries: readonly TarEntrySpec[]): LayerSpec {
  return plain(buildTar(entries));
}

/** A regular file. */
export function file(name: string, content: Uint8Array, more: Partial<TarEntrySpec> = {}): TarEntrySpec {
  return { name, type: '0', mtimeSeconds: 1_700_000_000, content, ...more };
}

/** `bytes` with `changes` at their offsets. */
export function edited(bytes: Uint8Array, changes: Readonly<Record<number, number>>): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (const [at, byte] of Object.entries(changes)) copy[Number(at)] = byte;
  return copy;
}

/** The image with the blob of its first layer compressed in a way of its own. */
export function withBlob(image: FixtureImage, compress: (tar: Uint8Array) => Uint8Array): FixtureImage {
  const [first, ...rest] = image.layers;
  const blob = rawDocument(compress(first!.tar), `${OCI_LAYER_TAR}+gzip`);
  const manifest = JSON.parse(Buffer.from(image.manifest.bytes).toString());
  manifest.layers[0] = { mediaType: blob.mediaType, digest: blob.digest, size: blob.bytes.length };
  return {
    ...image,
    layers: [{ ...first!, blob }, ...rest],
    manifest: rawDocument(Buffer.from(JSON.stringify(manifest)), image.manifest.mediaType),
  };
}

/** A gzip file of stored blocks of random-looking sizes, which no known encoder makes. */
export function storeAsGzip(bytes: Uint8Array): Uint8Array {
  const whole = gzipSync(bytes);
  const parts: Uint8Array[] = [whole.subarray(0, 10)];
  let step = 700;
  for (let at = 0; at < bytes.length || at === 0; at += step) {
    step = 700 + ((step * 7919) % 1301);
    const block = bytes.subarray(at, at + step);
    const head = Buffer.alloc(5);
    head[0] = at + step >= bytes.length ? 1 : 0;
    head.writeUInt16LE(block.length, 1);
    head.writeUInt16LE(block.length ^ 0xffff, 3);
    parts.push(head, block);
  }
  return Buffer.concat([...parts, whole.subarray(-8)]);
}
