/** Reads a patch's header. Nothing in it is believed before it is checked here: a patch may come from anybody. */
import { parseDigest } from '../bytes/digest.ts';
import { CODEC_STORED, canBeCoded, parseCodec } from '../codec/stream-decoder.ts';
import { DidiffError } from '../errors.ts';
import type { Platform } from '../image/platform.ts';
import { array, count, invalid, object, parseRequires, readHeaderJson, string } from './fields.ts';
import {
  DELTA_STREAMS,
  MAX_RECIPE_BYTES,
  MAX_VIEW_LIST_BYTES,
  mostPlainBytes,
  STREAM_BLOB,
  STREAM_COPIES,
  STREAM_RECIPE,
  STREAM_VIEWS,
} from './format.ts';
import {
  type BaseBlob,
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
  FEATURE_PLATFORMS,
  FEATURE_RECALL,
  FEATURE_STRINGS,
  type PatchHeader,
  type PatchLayer,
  type StreamInfo,
  type TarSource,
} from './header.ts';

const KNOWN_FEATURES: readonly string[] = [
  FEATURE_GZIP_RECIPE,
  FEATURE_EXECUTABLES,
  FEATURE_BLOB_COPIES,
  FEATURE_LISTED_DIGESTS,
  FEATURE_OPENED_PARTS,
  FEATURE_BITCODE,
  FEATURE_MIX,
  FEATURE_RECALL,
  FEATURE_STRINGS,
];
const MAX_LAYERS = 4096;

/** Parses a header section's payload. Throws CORRUPT_INPUT for what is inconsistent, UNSUPPORTED for unknown features. */
export function parseHeader(payload: Uint8Array): PatchHeader {
  const json = readHeaderJson(payload);
  const requires = parseRequires(json);
  if (requires.includes(FEATURE_PLATFORMS)) {
    throw new DidiffError(
      'UNSUPPORTED',
      'this is a bundle of patches for several platforms, not a patch for one',
    );
  }
  const unknown = requires.filter((name) => !KNOWN_FEATURES.includes(name));
  if (unknown.length > 0) {
    throw new DidiffError(
      'UNSUPPORTED',
      `the patch needs features that this version of didiff lacks: ${unknown.join(', ')}`,
      {
        hint: 'Apply it with a newer version of didiff.',
      },
    );
  }
  const base = object(json['base'], 'base');
  const baseLayers = array(base['layers'], 'base.layers', MAX_LAYERS).map(parseBaseLayer);
  count(sizeOf(baseLayers), 'the size of the base layers');
  const baseBlobs = array(base['blobs'] ?? [], 'base.blobs', MAX_LAYERS).map(parseBaseBlob);
  count(sizeOf(baseBlobs), "the size of the base's blobs");
  const target = object(json['target'], 'target');
  return {
    writer: string(json['writer'], 'writer'),
    requires,
    memoryBytes: count(json['memory'], 'memory'),
    base: { name: string(base['name'], 'base.name'), layers: baseLayers, blobs: baseBlobs },
    target: {
      name: string(target['name'], 'target.name'),
      platform: parsePlatformJson(object(target['platform'], 'target.platform')),
      documents: parseDocuments(target['documents']),
      layers: array(target['layers'], 'target.layers', MAX_LAYERS).map((layer, position) =>
        parseLayer(object(layer, `layer ${position}`), `layer ${position}`, baseLayers),
      ),
    },
  };
}

function parseBaseLayer(value: unknown, position: number): BaseLayer {
  const json = object(value, `base layer ${position}`);
  return {
    diffId: parseDigest(json['diffId'], `base layer ${position}: diffId`),
    sizeBytes: count(json['size'], `base layer ${position}: size`),
    addressed: json['addressed'] === true,
  };
}

function parseBaseBlob(value: unknown, position: number): BaseBlob {
  const json = object(value, `base blob ${position}`);
  return {
    digest: parseDigest(json['digest'], `base blob ${position}: digest`),
    sizeBytes: count(json['size'], `base blob ${position}: size`),
  };
}

function sizeOf(parts: readonly { readonly sizeBytes: number }[]): number {
  return parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

const ROLES = ['config', 'manifest', 'index'] as const;

function parseDocuments(value: unknown): readonly DocumentInfo[] {
  const documents = array(value, 'target.documents', ROLES.length).map((item, position) => {
    const json = object(item, 'a document');
    const role = ROLES[position]!;
    if (json['role'] !== role) throw invalid(`document ${position} is not the ${role}`);
    return {
      role,
      mediaType: string(json['mediaType'], `${role}: mediaType`),
      digest: parseDigest(json['digest'], `${role}: digest`),
      sizeBytes: count(json['size'], `${role}: size`),
    };
  });
  if (documents.length === 0) throw invalid('there is no config document');
  return documents;
}

function parseLayer(json: Record<string, unknown>, what: string, base: readonly BaseLayer[]): PatchLayer {
  const diffId = parseDigest(json['diffId'], `${what}: diffId`);
  const tarBytes = count(json['size'], `${what}: size`);
  const tar = parseTarSource(json['from'], what);
  if (tar.kind === 'base') {
    const from = base[tar.baseLayer];
    if (from === undefined) throw invalid(`${what} comes from base layer ${tar.baseLayer} of ${base.length}`);
    if (from.diffId !== diffId || from.sizeBytes !== tarBytes)
      throw invalid(`${what} is not the base layer it comes from`);
  }
  const streams = array(json['streams'] ?? [], `${what}: streams`, 16).map((item) => parseStream(item, what));
  const blob =
    json['blob'] === undefined ? undefined : parseBlob(object(json['blob'], `${what}: blob`), what);
  if (blob?.source === 'tar' && (blob.digest !== diffId || blob.sizeBytes !== tarBytes))
    throw invalid(`${what} has a blob that is said to be its tar, and has another digest or size`);
  assertStreams(what, tar, streams, blob);
  const viewBytes = json['views'] === undefined ? 0 : count(json['views'], `${what}: views`);
  assertViews(what, viewBytes, streams, base);
  return {
    diffId,
    tarBytes,
    tar,
    streams,
    ...(json['predicted'] === undefined ? {} : { predicted: count(json['predicted'], `${what}: predicted`) }),
    ...(viewBytes === 0 ? {} : { viewBytes }),
    ...(blob === undefined ? {} : { blob }),
  };
}

function parseTarSource(value: unknown, what: string): TarSource {
  if (value === 'delta' || value === 'blob') return { kind: value };
  if (typeof value === 'number') return { kind: 'base', baseLayer: count(value, `${what}: from`) };
  throw invalid(`${what} comes from ${JSON.stringify(value)}`);
}

function parseStream(value: unknown, what: string): StreamInfo {
  const numbers = array(value, `${what}: a stream`, 5).map((item) =>
    count(item, `${what}: a stream's numbers`),
  );
  const [stream, codec, plainBytes, codedBytes, windowBits] = numbers;
  if (windowBits === undefined || windowBits > 24)
    throw invalid(`${what} has a stream without a valid window`);
  const parsed = parseCodec(codec!, `${what}: stream ${stream}`);
  if (!canBeCoded(parsed, plainBytes!, codedBytes!, windowBits)) {
    const how =
      parsed === CODEC_STORED ? 'stored, but not of the same size' : `of codec ${codec}, which can't be`;
    throw invalid(`${what} has a stream ${stream} that is ${how}: ${plainBytes} and ${codedBytes} bytes`);
  }
  if (stream === STREAM_BLOB && parsed !== CODEC_STORED)
    throw invalid(`${what} has a stream ${stream} that it can't have: a blob carried with codec ${codec}`);
  return {
    stream: stream!,
    codec: parsed,
    plainBytes: plainBytes!,
    codedBytes: codedBytes!,
    windowBits,
  };
}

/** The streams must be just those that the layer's sources read, each once, in ascending order. */
function assertStreams(
  what: string,
  tar: TarSource,
  streams: readonly StreamInfo[],
  blob: PatchLayer['blob'],
): void {
  const carried = blob?.source === 'carried';
  const copies = blob?.source === 'copies';
  const recipe = blob?.source === 'recipe';
  if (tar.kind === 'blob' && !carried) throw invalid(`${what} comes from a blob that is not carried`);
  if (tar.kind === 'delta' && carried) throw invalid(`${what} is made by ops and carries its blob as well`);
  const allowed: number[] = tar.kind === 'delta' ? [...DELTA_STREAMS, STREAM_VIEWS] : [];
  if (carried || copies) allowed.push(STREAM_BLOB);
  if (recipe) allowed.push(STREAM_RECIPE);
  if (copies) allowed.push(STREAM_COPIES);
  let last = -1;
  for (const { stream } of streams) {
    if (stream <= last || !allowed.includes(stream))
      throw invalid(`${what} has a stream ${stream} that it can't have`);
    last = stream;
  }
  const bytesOf = (wanted: number) => streams.find(({ stream }) => stream === wanted)?.plainBytes;
  if (carried && bytesOf(STREAM_BLOB) !== blob.sizeBytes)
    throw invalid(`${what} does not carry a blob of the size it says`);
  if (copies && !bytesOf(STREAM_COPIES)) throw invalid(`${what} does not say what its blob copies`);
  if (recipe && !bytesOf(STREAM_RECIPE)) throw invalid(`${what} has no recipe for its blob`);
  if (recipe && bytesOf(STREAM_RECIPE)! > MAX_RECIPE_BYTES)
    throw invalid(`${what} has a recipe of more than ${MAX_RECIPE_BYTES} bytes`);
}

/** Views and their list come together, in proportion to the base that they are opened from. */
function assertViews(
  what: string,
  viewBytes: number,
  streams: readonly StreamInfo[],
  base: readonly BaseLayer[],
): void {
  const list = streams.find(({ stream }) => stream === STREAM_VIEWS);
  if ((list === undefined) !== (viewBytes === 0))
    throw invalid(`${what} has views without a list, or a list without`);
  if (list !== undefined && (list.plainBytes === 0 || list.plainBytes > MAX_VIEW_LIST_BYTES))
    throw invalid(`${what} has a list of views of ${list.plainBytes} bytes`);
  const most = mostPlainBytes(
    base.reduce((sum, { addressed, sizeBytes }) => sum + (addressed ? sizeBytes : 0), 0),
  );
  if (viewBytes > most)
    throw invalid(`${what} has views of ${viewBytes} bytes; at most ${most} can be opened`);
}

const BLOB_SOURCES: readonly BlobSource[] = ['tar', 'carried', 'base', 'copies', 'recipe', 'none'];

function parseBlob(json: Record<string, unknown>, what: string): NonNullable<PatchLayer['blob']> {
  const source = BLOB_SOURCES.find((each) => each === json['from']);
  if (source === undefined) throw invalid(`${what} has a blob from ${JSON.stringify(json['from'])}`);
  return {
    digest: parseDigest(json['digest'], `${what}: blob digest`),
    sizeBytes: count(json['size'], `${what}: blob size`),
    mediaType: string(json['mediaType'], `${what}: mediaType`),
    source,
    ...(typeof json['encoder'] === 'string' ? { encoder: string(json['encoder'], `${what}: encoder`) } : {}),
    ...(json['corrections'] === undefined
      ? {}
      : { correctionsBytes: count(json['corrections'], `${what}: corrections`) }),
  };
}

function parsePlatformJson(json: Record<string, unknown>): Platform {
  const variant = json['variant'];
  return {
    os: string(json['os'], 'os'),
    architecture: string(json['architecture'], 'architecture'),
    ...(typeof variant === 'string' ? { variant } : {}),
  };
}
