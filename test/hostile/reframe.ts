/**
 * Takes patches apart into sections and puts changed ones together again, with checks that are right: what somebody
 * makes who means harm, not what a damaged line does.
 */
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib';
import { SECTION_DOCUMENTS, SECTION_HEADER, SECTION_STREAM } from '../../src/patch/format.ts';
import {
  encodeStreamPayload,
  parseStreamPayload,
  readSections,
  sectionFramer,
} from '../../src/patch/sections.ts';
import { inPieces } from '../fixtures/patching.ts';

export interface LooseSection {
  readonly kind: number;
  readonly payload: Uint8Array;
}

export interface PlacedSection extends LooseSection {
  readonly offset: number;
  readonly fileBytes: number;
}

export async function takeApart(patch: Uint8Array): Promise<readonly PlacedSection[]> {
  const sections: PlacedSection[] = [];
  for await (const section of readSections(inPieces(patch, 1 << 16))) sections.push(section);
  return sections;
}

export function putTogether(sections: readonly LooseSection[]): Uint8Array {
  const framer = sectionFramer();
  return Buffer.concat([
    framer.start(),
    ...sections.map(({ kind, payload }) => framer.section(kind, payload)),
  ]);
}

/** The text of a patch's header. */
export async function headerText(patch: Uint8Array): Promise<string> {
  const [header] = await takeApart(patch);
  return Buffer.from(brotliDecompressSync(header!.payload)).toString();
}

/** The patch with another header, which need not be JSON. */
export async function withHeader(patch: Uint8Array, text: string): Promise<Uint8Array> {
  return await withSection(patch, SECTION_HEADER, () => pack(Buffer.from(text)));
}

/** The patch whose header has these values at these paths (`target.layers.0.size`); undefined takes one out. */
export async function lying(patch: Uint8Array, lies: Readonly<Record<string, unknown>>): Promise<Uint8Array> {
  const header: unknown = JSON.parse(await headerText(patch));
  for (const [path, value] of Object.entries(lies)) {
    const names = path.split('.');
    const last = names.pop()!;
    const parent = names.reduce((at, name) => (at as Record<string, unknown>)[name], header);
    if (typeof parent !== 'object' || parent === null) throw new Error(`the header has no ${path}`);
    (parent as Record<string, unknown>)[last] = value;
  }
  return await withHeader(patch, JSON.stringify(header));
}

/** The patch whose documents, one after the other, are `bytes`. */
export async function withDocuments(patch: Uint8Array, bytes: Uint8Array): Promise<Uint8Array> {
  return await withSection(patch, SECTION_DOCUMENTS, () => pack(bytes));
}

/** Any brotli stream will do; bombs of 100 MB should be quick to make. */
function pack(bytes: Uint8Array): Uint8Array {
  return brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 3 } });
}

async function withSection(
  patch: Uint8Array,
  kind: number,
  change: (payload: Uint8Array) => Uint8Array,
): Promise<Uint8Array> {
  const sections = await takeApart(patch);
  return putTogether(
    sections.map((each) => (each.kind === kind ? { kind, payload: change(each.payload) } : each)),
  );
}

/** What stands in a layer's streams, by number. */
export type CodedStreams = ReadonlyMap<number, Uint8Array>;

/** The coded bytes of one layer's streams, their chunks joined. */
export async function streamsOf(patch: Uint8Array, layer: number): Promise<CodedStreams> {
  const streams = new Map<number, Uint8Array>();
  for (const section of await takeApart(patch)) {
    if (section.kind !== SECTION_STREAM) continue;
    const chunk = parseStreamPayload({ ...section, fileBytes: 0 });
    if (chunk.layer !== layer) continue;
    streams.set(chunk.stream, Buffer.concat([streams.get(chunk.stream) ?? new Uint8Array(0), chunk.coded]));
  }
  return streams;
}

/** A stream section of one chunk. */
export function chunk(layer: number, stream: number, coded: Uint8Array): LooseSection {
  return { kind: SECTION_STREAM, payload: encodeStreamPayload(layer, stream, coded) };
}

/** A patch whose layer is made of these streams, stored as they are, one chunk each in the order given. */
export async function withStreams(
  patch: Uint8Array,
  layer: number,
  streams: ReadonlyMap<number, Uint8Array>,
): Promise<Uint8Array> {
  const filled = [...streams].filter(([, bytes]) => bytes.length > 0);
  const infos = filled
    .map(([stream, { length }]) => [stream, 0, length, length, 0])
    .sort((a, b) => a[0]! - b[0]!);
  const lie = await lying(patch, { [`target.layers.${layer}.streams`]: infos });
  return await withChunks(
    lie,
    layer,
    filled.map(([stream, bytes]) => chunk(layer, stream, bytes)),
  );
}

/** The patch with these sections for those of the layer's streams. */
export async function withChunks(
  patch: Uint8Array,
  layer: number,
  chunks: readonly LooseSection[],
): Promise<Uint8Array> {
  const sections = await takeApart(patch);
  const isOfLayer = (section: PlacedSection) =>
    section.kind === SECTION_STREAM && parseStreamPayload(section).layer === layer;
  const rest = sections.filter((section) => !isOfLayer(section));
  return putTogether([...rest.slice(0, -1), ...chunks, rest.at(-1)!]);
}
