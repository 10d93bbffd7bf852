/**
 * A second decoder of patches, written from docs/format.md and from nothing else: no line of src is used but to predict
 * executables. It keeps everything in memory, and stops at recipes, which docs/gzip.md defines.
 */
import { createHash } from 'node:crypto';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { ZSTDDecoder } from 'zstddec/stream';
import { read } from './cursor.ts';
import { decodeMix } from './mix.ts';
import { type OnOp, runOps } from './ops.ts';
import { withViews } from './parts.ts';
import { decodeRecall } from './recall.ts';

export interface Section {
  readonly offset: number;
  readonly kind: number;
  /** Kind and length as they are in the file. */
  readonly head: Uint8Array;
  readonly payload: Uint8Array;
  readonly check: Uint8Array;
}

interface BlobInfo {
  readonly digest: string;
  readonly size: number;
  readonly mediaType: string;
  readonly from: 'tar' | 'carried' | 'base' | 'copies' | 'recipe' | 'none';
}

interface LayerInfo {
  readonly diffId: string;
  readonly size: number;
  readonly from: 'delta' | 'blob' | number;
  readonly streams?: readonly (readonly [number, number, number, number, number])[];
  readonly blob?: BlobInfo;
  readonly views?: number;
}

export interface Header {
  readonly writer: string;
  readonly requires: readonly string[];
  readonly memory: number;
  readonly base: {
    readonly name: string;
    readonly layers: readonly {
      readonly diffId: string;
      readonly size: number;
      readonly addressed: boolean;
    }[];
    readonly blobs?: readonly { readonly digest: string; readonly size: number }[];
  };
  readonly target: {
    readonly name: string;
    readonly platform: { readonly os: string; readonly architecture: string };
    readonly documents: readonly {
      readonly role: string;
      readonly mediaType: string;
      readonly digest: string;
      readonly size: number;
    }[];
    readonly layers: readonly LayerInfo[];
  };
}

export interface DecodedLayer {
  readonly tar: Uint8Array;
  /** Absent for blobs from recipes, and for those left out. */
  readonly blob?: Uint8Array | undefined;
}

export interface Decoded {
  readonly header: Header;
  /** By role. */
  readonly documents: ReadonlyMap<string, Uint8Array>;
  readonly layers: readonly DecodedLayer[];
}

/** What the receiver has: tars by their diffIDs, blobs by their digests. */
export interface Base {
  readonly tars: ReadonlyMap<string, Uint8Array>;
  readonly blobs: ReadonlyMap<string, Uint8Array>;
}

const KNOWN = [
  'gzip-recipe-1',
  'executables-1',
  'blob-copies-1',
  'opened-parts-1',
  'bitcode-1',
  'strings-1',
  'mix-1',
  'recall-1',
  'listed-digests-1',
];
const MAGIC = '896469646966660a';

/** Section 3: to the end, or to the first section of kind `last`. */
export function readSections(patch: Uint8Array, last = 4): readonly Section[] {
  if (Buffer.from(patch.subarray(0, 8)).toString('hex') !== MAGIC) throw new Error('not a patch');
  if (patch[8] !== 1) throw new Error('another version');
  let check = hash(patch.subarray(0, 9)).subarray(0, 8);
  const sections: Section[] = [];
  for (let offset = 9; sections.at(-1)?.kind !== last; ) {
    const input = read(patch.subarray(offset));
    const kind = input.byte();
    const length = input.integer();
    if (length > 8 << 20) throw new Error('a section is too long');
    const head = patch.subarray(offset, patch.length - input.left);
    const payload = input.take(length);
    const found = input.take(8);
    check = hash(Buffer.concat([check, head, payload])).subarray(0, 8);
    if (!check.equals(found)) throw new Error(`the section at ${offset} is damaged`);
    if (kind === 0 || (kind > 4 && kind < 128)) throw new Error(`kind ${kind} is not known`);
    sections.push({ offset, kind, head, payload, check: found });
    offset = patch.length - input.left;
    if (kind === 4 && (length > 0 || input.left > 0)) throw new Error('there is more after the end');
  }
  return sections;
}

/** Sections 4 to 8: the target's documents and layers, each proved. */
export async function decodePatch(patch: Uint8Array, base: Base, onOp?: OnOp): Promise<Decoded> {
  const sections = readSections(patch).filter(({ kind }) => kind < 128);
  const kinds = sections.map(({ kind }) => kind).join('');
  if (!/^123*4$/.test(kinds)) throw new Error(`sections are in the order ${kinds}`);
  const header = JSON.parse(new TextDecoder().decode(brotliDecompressSync(sections[0]!.payload))) as Header;
  const unknown = header.requires.filter((name) => !KNOWN.includes(name));
  if (unknown.length > 0) throw new Error(`unsupported: ${unknown}`);
  const documents = readDocuments(header, brotliDecompressSync(sections[1]!.payload));
  const streams = gatherStreams(header, sections.slice(2, -1));
  const spaces = header.base.layers.map((layer) => {
    const tar = base.tars.get(layer.diffId);
    if (tar === undefined || digest(tar) !== layer.diffId || tar.length !== layer.size)
      throw new Error(`the base lacks ${layer.diffId}`);
    return tar;
  });
  const space = Buffer.concat(spaces.filter((_, n) => header.base.layers[n]!.addressed));
  const layers: DecodedLayer[] = [];
  for (const [position, layer] of header.target.layers.entries()) {
    const stream = (number: number) => streams[position]!.get(number) ?? new Uint8Array(0);
    let tar: Uint8Array;
    if (layer.from === 'delta')
      tar = runOps(layer.size, stream, withViews(space, stream(11), layer.views ?? 0), onOp);
    else if (layer.from === 'blob') tar = await unpack(stream(8));
    else tar = spaces[layer.from]!;
    if (digest(tar) !== layer.diffId || tar.length !== layer.size)
      throw new Error(`layer ${position} comes out as ${digest(tar)}`);
    const blob =
      layer.blob?.from === 'copies'
        ? runCopies(layer.blob.size, stream(10), stream(8), blobSpace(header, base))
        : blobOf(layer.blob, tar, stream(8), base);
    if (blob !== undefined && digest(blob) !== layer.blob?.digest)
      throw new Error(`the blob of layer ${position} comes out as ${digest(blob)}`);
    layers.push({ tar, blob });
  }
  return { header, documents, layers };
}

function readDocuments(header: Header, bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  const input = read(bytes);
  for (const document of header.target.documents) {
    const content = input.take(document.size);
    if (digest(content) !== document.digest) throw new Error(`the ${document.role} has another digest`);
    found.set(document.role, content);
  }
  if (input.left > 0) throw new Error('there is more than the documents');
  const parse = (role: string) => JSON.parse(new TextDecoder().decode(found.get(role)));
  const { layers } = header.target;
  const diffIds = parse('config').rootfs.diff_ids ?? [];
  if (JSON.stringify(diffIds) !== JSON.stringify(layers.map(({ diffId }) => diffId)))
    throw new Error("the layers are not the config's");
  const blobs = layers.map(({ blob }) => blob && [blob.digest, blob.size, blob.mediaType]);
  if (!found.has('manifest')) {
    if (blobs.some((blob) => blob !== undefined)) throw new Error('there are blobs without a manifest');
    return found;
  }
  const manifest = parse('manifest') as {
    layers: { digest: string; size: number; mediaType: string }[];
    config: { digest: string };
  };
  const named = manifest.layers.map((layer) => [layer.digest, layer.size, layer.mediaType]);
  if (JSON.stringify(named) !== JSON.stringify(blobs)) throw new Error("the blobs are not the manifest's");
  if (manifest.config.digest !== header.target.documents[0]!.digest) throw new Error('another config');
  return found;
}

/** Section 6: per layer, the plain bytes of its streams. */
function gatherStreams(
  header: Header,
  sections: readonly Section[],
): readonly ReadonlyMap<number, Uint8Array>[] {
  const coded = header.target.layers.map(
    (layer) => new Map(layer.streams?.map(([number]) => [number, [] as Uint8Array[]])),
  );
  let current = 0;
  for (const { payload } of sections) {
    const input = read(payload);
    const layer = input.integer();
    const pieces = coded[layer]?.get(input.integer());
    if (layer < current || pieces === undefined || input.left === 0)
      throw new Error('a section out of place');
    current = layer;
    pieces.push(input.take(input.left));
  }
  return header.target.layers.map((layer, position) => {
    const plain = (layer.streams ?? []).map(([number, codec, plainSize, codedSize, window]) => {
      const bytes = Buffer.concat(coded[position]!.get(number)!);
      if (bytes.length !== codedSize) throw new Error(`stream ${number} is not complete`);
      const content = decodeStream(codec, bytes, plainSize, window);
      if (content.length !== plainSize) throw new Error(`stream ${number} is not of its size`);
      return [number, content] as const;
    });
    return new Map(plain);
  });
}

/** Section 7.6: new bytes and copies take turns. */
function runCopies(size: number, copies: Uint8Array, news: Uint8Array, space: Uint8Array): Uint8Array {
  const numbers = read(copies);
  const literals = read(news);
  const parts: Uint8Array[] = [];
  let made = 0;
  let place = 0;
  const add = (bytes: Uint8Array) => {
    parts.push(bytes);
    made += bytes.length;
    if (made > size) throw new Error('the copies make more than the blob');
  };
  while (made < size) {
    add(literals.take(numbers.integer()));
    if (made === size) break;
    const length = numbers.integer();
    if (length === 0) throw new Error('a copy of nothing');
    const coded = numbers.integer();
    const start = place + (coded % 2 === 0 ? coded / 2 : -(coded + 1) / 2);
    if (start < 0 || start + length > space.length) throw new Error('a copy of what is not there');
    add(space.subarray(start, start + length));
    place = start + length;
  }
  if (numbers.left + literals.left > 0) throw new Error('the copies go on');
  return Buffer.concat(parts);
}

/** Section 4.1. */
function blobSpace(header: Header, base: Base): Uint8Array {
  const blobs = header.base.blobs?.map(({ digest: wanted, size }) => {
    const blob = base.blobs.get(wanted);
    if (blob === undefined || blob.length !== size || digest(blob) !== wanted)
      throw new Error(`the base lacks the blob ${wanted}`);
    return blob;
  });
  return Buffer.concat(blobs ?? []);
}

function decodeStream(codec: number, coded: Uint8Array, plainSize: number, window: number): Uint8Array {
  if (codec === 0) return coded;
  if (codec === 1) return brotliDecompressSync(coded);
  if (codec === 4) {
    const fits = window >= 16 && window <= 23 && plainSize < 2 ** 31 && coded.length < plainSize;
    if (!fits) throw new Error('not of a size it may have');
    return decodeRecall(coded, plainSize, window);
  }
  if (codec !== 2 && codec !== 3) throw new Error(`codec ${codec} is not known`);
  if (plainSize > 1 << 20 || coded.length >= plainSize) throw new Error('not of a size it may have');
  return decodeMix(codec, coded, plainSize);
}

function blobOf(info: BlobInfo | undefined, tar: Uint8Array, carried: Uint8Array, base: Base) {
  if (info?.from === 'tar') return tar;
  if (info?.from === 'carried') return carried;
  return info?.from === 'base' ? base.blobs.get(info.digest) : undefined;
}

/** Section 4.3. */
async function unpack(blob: Uint8Array): Promise<Uint8Array> {
  const start = Buffer.from(blob.subarray(0, 4)).toString('hex');
  if (start.startsWith('1f8b')) return gunzipSync(blob);
  if (!/^(28b52ffd|5[0-9a-f]2a4d18)$/.test(start)) return blob;
  const zstd = new ZSTDDecoder();
  await zstd.init();
  return Buffer.concat([...zstd.decodeStreaming([blob])].map((piece) => Buffer.from(piece)));
}

export function hash(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

export function digest(bytes: Uint8Array): string {
  return `sha256:${hash(bytes).toString('hex')}`;
}
