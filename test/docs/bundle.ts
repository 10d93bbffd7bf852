/** The second decoder of bundles, from section 11 of docs/format.md; the parts are for the decoder of patches. */
import { brotliDecompressSync } from 'node:zlib';
import { type Base, type Decoded, decodePatch, digest, readSections } from './decoder.ts';

interface Described {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

interface Header {
  readonly requires: readonly string[];
  readonly index: Described;
  readonly manifests: readonly Described[];
  readonly blobs: readonly Described[];
  readonly blobStream: number;
  readonly parts: readonly { readonly entry?: number; readonly head: number; readonly body: number }[];
}

export interface DecodedBundle {
  readonly index: Uint8Array;
  /** What other manifests there are, and what they name, by digest. */
  readonly others: ReadonlyMap<string, Uint8Array>;
  /** By entry of the index. */
  readonly images: ReadonlyMap<number, Decoded>;
}

export async function decodeBundle(
  bundle: Uint8Array,
  bases: ReadonlyMap<number, Base>,
): Promise<DecodedBundle> {
  const { header, documents, end } = readStart(bundle);
  if (header.requires.join() !== 'platforms-1') throw new Error(`unsupported: ${header.requires}`);
  const [index, ...manifests] = cut(documents, [header.index, ...header.manifests]);
  const rest = bundle.subarray(end);
  let at = 0;
  const take = (size: number) => {
    if (at + size > rest.length) throw new Error('the bundle is cut off');
    at += size;
    return rest.subarray(at - size, at);
  };
  const coded = take(header.blobStream);
  const blobs = coded.length === 0 ? [] : cut(brotliDecompressSync(coded), header.blobs);
  const heads = header.parts.map(({ head }) => take(head));
  const parts = header.parts.map(({ body }, part) => Buffer.concat([heads[part]!, take(body)]));
  if (at !== rest.length) throw new Error('there is more after the end');
  const others = new Map<string, Uint8Array>([...manifests, ...blobs].map((bytes) => [digest(bytes), bytes]));
  const entries = JSON.parse(new TextDecoder().decode(index)).manifests as readonly Described[];
  assertOfIndex(header, entries, others);
  return { index: index!, others, images: await decodeParts(header, parts, entries, bases) };
}

function readStart(bundle: Uint8Array) {
  const sections = readSections(bundle, 2).filter(({ kind }) => kind < 128);
  const [first, second] = sections;
  if (sections.length !== 2 || first!.kind !== 1) throw new Error('sections are in another order');
  const { offset, head, payload, check } = second!;
  return {
    header: JSON.parse(new TextDecoder().decode(brotliDecompressSync(first!.payload))) as Header,
    documents: brotliDecompressSync(payload),
    end: offset + head.length + payload.length + check.length,
  };
}

/** Sections 11.2: bytes that stand one after the other, each proved. */
function cut(bytes: Uint8Array, described: readonly { readonly digest: string; readonly size: number }[]) {
  let at = 0;
  const found = described.map((each) => {
    at += each.size;
    const own = bytes.subarray(at - each.size, at);
    if (digest(own) !== each.digest) throw new Error(`${each.digest} is not there`);
    return own;
  });
  if (at !== bytes.length) throw new Error('the sizes are others');
  return found;
}

function assertOfIndex(
  { parts, manifests, blobs }: Header,
  entries: readonly Described[],
  others: ReadonlyMap<string, Uint8Array>,
): void {
  const made = parts.flatMap(({ entry }) => (entry === undefined ? [] : [entry]));
  if (
    made.length === 0 ||
    made.some((entry, i) => entry >= entries.length || (i > 0 && entry <= made[i - 1]!))
  )
    throw new Error('the parts are in another order');
  if (parts.findLastIndex(({ entry }) => entry === undefined) > 0) throw new Error('a part leads nowhere');
  for (const manifest of manifests) {
    if (!entries.some((entry) => entry.digest === manifest.digest))
      throw new Error('a manifest is not of the index');
    const { config, layers } = JSON.parse(new TextDecoder().decode(others.get(manifest.digest)));
    for (const named of [config, ...layers] as readonly Described[])
      if (!blobs.some((blob) => blob.digest === named.digest && blob.size === named.size))
        throw new Error('a blob is missing');
  }
}

/** Section 11.3. */
async function decodeParts(
  { parts }: Header,
  patches: readonly Uint8Array[],
  entries: readonly Described[],
  bases: ReadonlyMap<number, Base>,
): Promise<ReadonlyMap<number, Decoded>> {
  const images = new Map<number, Decoded>();
  const shared = { tars: new Map<string, Uint8Array>(), blobs: new Map<string, Uint8Array>() };
  const nothing = { tars: new Map(), blobs: new Map() };
  for (const [part, { entry, head }] of parts.entries()) {
    // Its head holds all up to its documents.
    readSections(patches[part]!.subarray(0, head), 2);
    if (entry === undefined) {
      const { header, layers } = await decodePatch(patches[part]!, [...bases.values()][0] ?? nothing);
      for (const [i, { diffId, blob }] of header.target.layers.entries()) {
        shared.tars.set(diffId, layers[i]!.tar);
        if (blob !== undefined && layers[i]!.blob !== undefined)
          shared.blobs.set(blob.digest, layers[i]!.blob!);
      }
      continue;
    }
    const own = bases.get(entry) ?? nothing;
    const base = {
      tars: new Map([...own.tars, ...shared.tars]),
      blobs: new Map([...own.blobs, ...shared.blobs]),
    };
    const image = await decodePatch(patches[part]!, base);
    const { digest: found, mediaType } = image.header.target.documents[1]!;
    if (
      found !== entries[entry]!.digest ||
      mediaType !== entries[entry]!.mediaType ||
      image.documents.has('index')
    )
      throw new Error('the part leads to another image');
    images.set(entry, image);
  }
  return images;
}
