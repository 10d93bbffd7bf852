/**
 * The worked example of docs/format.md, section 10: a patch of one layer with every op, made with the code that makes
 * all patches, from two tars that are small enough to be read.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bytesAccess } from '../../src/bytes/access.ts';
import { sha256 } from '../../src/bytes/digest.ts';
import { openPendingFile } from '../../src/bytes/file.ts';
import { zigzag } from '../../src/bytes/varint.ts';
import { shareMixer } from '../../src/codec/mix-decoder.ts';
import { DEFAULT_EFFORT, effortOf } from '../../src/create/effort.ts';
import { type CodedStream, codeStream } from '../../src/create/entropy.ts';
import { assembleHeader } from '../../src/create/header.ts';
import { openSpool, type Spool } from '../../src/create/spool.ts';
import { writePatch } from '../../src/create/write.ts';
import {
  DELTA_STREAMS,
  OP_BINARY,
  OP_BITS,
  OP_HEADER,
  OP_REGION,
  OP_REPEAT,
  OP_TEXT,
  STREAM_BINARY,
  STREAM_DIFFS,
  STREAM_GAPS,
  STREAM_HEADERS,
  STREAM_OPS,
  STREAM_REPEATS,
  STREAM_SEEKS,
  STREAM_TEXT,
} from '../../src/patch/format.ts';
import { encodeTarHeaderDelta, HEADER_BYTES, startHeaders } from '../../src/predict/tar-header.ts';
import { json } from '../fixtures/images.ts';
import { buildTar } from '../fixtures/layer-tar.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const GREETING = 'Good morning, and welcome to release 1.0 of the example.\n';
/** Of no text's nature. */
const TORN = Uint8Array.of(0xff, 0x00, 0xfe, 0x0a);
const NOTICE = 'This line is new, and comes twice.\n';

/** What the receiver has. */
export const EXAMPLE_BASE = buildTar([
  { name: 'motd', type: '0', mtimeSeconds: 1_700_000_000, content: bytes(GREETING) },
]);

const MOTD = bytes(GREETING.replace('1.0', '1.1'));
const NOTES = Buffer.concat([bytes(NOTICE), TORN, bytes(NOTICE)]);

/** What it gets: one byte changed in a file, and a file more. */
export const EXAMPLE_TARGET = buildTar([
  { name: 'motd', type: '0', mtimeSeconds: 1_700_003_600, content: MOTD },
  { name: 'notes', type: '0', mtimeSeconds: 1_700_003_600, content: NOTES },
]);

/** The layer's ops: `motd` with its new time and byte, `notes` with its notice twice, and the end of the archive. */
function writeOps(base: Uint8Array): readonly Spool[] {
  const streams = DELTA_STREAMS.map(() => openSpool(tmpdir()));
  const times = startHeaders();
  const put = (stream: number, ...values: number[]) => {
    for (const value of values) streams[stream]!.appendNumber(value, 0);
  };
  const op = (code: number, length: number) => put(STREAM_OPS, length * 2 ** OP_BITS + code);
  const header = (block: Uint8Array, seek: number) => {
    op(OP_HEADER, 0);
    put(STREAM_SEEKS, zigzag(seek));
    const delta = encodeTarHeaderDelta(base.subarray(0, HEADER_BYTES), block, times);
    streams[STREAM_HEADERS]!.append(Uint8Array.from(delta), 0);
  };
  const text = (literal: string) => {
    op(OP_TEXT, literal.length);
    streams[STREAM_TEXT]!.append(bytes(literal), 0);
  };
  header(EXAMPLE_TARGET.subarray(0, HEADER_BYTES), 0);
  op(OP_REGION, MOTD.length);
  put(STREAM_SEEKS, zigzag(0));
  const changed = MOTD.findIndex((byte, at) => byte !== GREETING.charCodeAt(at));
  put(STREAM_GAPS, changed);
  streams[STREAM_DIFFS]!.append(Uint8Array.of(MOTD[changed]! - GREETING.charCodeAt(changed)), 0);
  header(EXAMPLE_TARGET.subarray(1024, 1536), -(HEADER_BYTES + MOTD.length));
  text(NOTICE);
  op(OP_BINARY, TORN.length);
  streams[STREAM_BINARY]!.append(TORN, 0);
  op(OP_REPEAT, NOTICE.length);
  put(STREAM_REPEATS, zigzag(0));
  const rest = EXAMPLE_TARGET.length - 1536 - NOTES.length;
  op(OP_REGION, rest);
  put(STREAM_SEEKS, zigzag(base.length - rest - HEADER_BYTES));
  put(STREAM_GAPS, MOTD.length - changed - 1 + rest);
  return streams;
}

/** Makes the patch. The same versions of didiff and brotli give the same bytes. */
export async function buildExample(): Promise<Uint8Array> {
  const diffId = sha256(EXAMPLE_TARGET);
  const image = { architecture: 'amd64', os: 'linux', rootfs: { type: 'layers', diff_ids: [diffId] } };
  const config = json('application/vnd.oci.image.config.v1+json', image);
  const layer = { position: 0, diffId, samePosition: undefined, how: 'delta' as const, blob: undefined };
  const layers = [{ ...layer, tar: bytesAccess(EXAMPLE_TARGET) }];
  const plan = { metadata: { config }, layers, blobSpace: undefined };
  const coded: CodedStream[] = [];
  const options = { tempDirectory: tmpdir(), effort: effortOf(DEFAULT_EFFORT), threads: 1 };
  for (const [stream, spool] of writeOps(EXAMPLE_BASE).entries()) {
    if (spool.sizeBytes > 0) coded.push(await codeStream(stream, spool, options, shareMixer()));
  }
  const header = assembleHeader({
    baseName: 'example:1.0',
    targetName: 'example:1.1',
    platform: { os: 'linux', architecture: 'amd64' },
    baseLayers: [{ diffId: sha256(EXAMPLE_BASE), sizeBytes: EXAMPLE_BASE.length, addressed: true }],
    baseBlobs: [],
    plan,
    executables: [{ files: 0, memoryBytes: 0 }],
    parts: false,
    bitcodeBytes: 0,
    strings: false,
    digests: 0,
    viewBytes: [0],
    streams: [coded],
  });
  const directory = mkdtempSync(join(tmpdir(), 'didiff-docs-'));
  try {
    const file = openPendingFile(join(directory, 'example.didiff'));
    writePatch(file, header, plan.metadata, [coded]);
    file.commit();
    return readFileSync(join(directory, 'example.didiff'));
  } finally {
    for (const { close } of coded) close();
    rmSync(directory, { recursive: true });
  }
}
