/**
 * eStargz layers, made after the format (containerd/stargz-snapshotter, docs/estargz.md) with Go's own gzip: a member for
 * each header with what stands before it, one or more for each payload, one for the table of contents and the end of the
 * tar, and the footer that says where that begins.
 */
import { createHash } from 'node:crypto';
import { buildTar, type TarEntrySpec } from '../fixtures/layer-tar.ts';
import { encodeTarHeader, TAR_END, tarPadding } from '../fixtures/tar-header.ts';
import type { GoOracle } from './go-oracle.ts';

export interface Estargz {
  readonly tar: Uint8Array;
  readonly blob: Uint8Array;
}

const LEVEL = 9;
const TOC_NAME = 'stargz.index.json';

/** Payloads are cut into members of `chunkBytes`. */
export function buildEstargz(go: GoOracle, entries: readonly TarEntrySpec[], chunkBytes: number): Estargz {
  const tars: Uint8Array[] = [];
  const members: Uint8Array[] = [];
  const toc: object[] = [];
  let blobBytes = 0;
  const close = (plain: Uint8Array) => {
    // Before the writer closes a member, it flushes.
    const member = go.gzip(plain, LEVEL, [plain.length, 'flush']);
    tars.push(plain);
    members.push(member);
    blobBytes += member.length;
  };
  /** What the open member holds. */
  let open: Uint8Array = new Uint8Array(0);
  for (const entry of entries) {
    const { content = new Uint8Array(0) } = entry;
    const whole = buildTar([entry]);
    const headerBytes = whole.length - TAR_END.length - content.length - tarPadding(content.length).length;
    open = Buffer.concat([open, whole.subarray(0, headerBytes)]);
    const about = { name: entry.name, type: entry.type === '5' ? 'dir' : 'reg', size: content.length };
    if (content.length === 0) {
      toc.push(about);
      continue;
    }
    close(open);
    for (let at = 0; at < content.length; at += chunkBytes) {
      const chunk = content.subarray(at, at + chunkBytes);
      const digest = `sha256:${createHash('sha256').update(chunk).digest('hex')}`;
      toc.push({ ...about, offset: blobBytes, chunkOffset: at, chunkDigest: digest });
      close(chunk);
    }
    open = tarPadding(content.length);
  }
  if (open.length > 0) close(open);
  const tocOffset = blobBytes;
  const json = Buffer.from(JSON.stringify({ version: 1, entries: toc }, undefined, '\t'));
  const tocHeader = encodeTarHeader({ name: TOC_NAME, type: '0', sizeBytes: json.length });
  close(Buffer.concat([tocHeader, json, tarPadding(json.length), TAR_END]));
  return { tar: Buffer.concat(tars), blob: Buffer.concat([...members, footer(tocOffset)]) };
}

/** An empty member of 51 bytes whose extra field holds the place of the table of contents. */
function footer(tocOffset: number): Uint8Array {
  const field = Buffer.from(`${tocOffset.toString(16).padStart(16, '0')}STARGZ`);
  return Buffer.concat([
    Buffer.from('1f8b08040000000000ff1a005347', 'hex'),
    Uint8Array.of(field.length, 0),
    field,
    Buffer.from('010000ffff0000000000000000', 'hex'),
  ]);
}
