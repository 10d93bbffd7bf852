/**
 * Puts a bundle into a registry: for each image of its index a patch of its own, beside that image, so that a receiver finds
 * and fetches just the one for its platform. A part that takes layers from the shared part is a bundle of these two
 * (docs/registry.md), cut such that the registry stores what they share once.
 */
import { brotliCompressSync } from 'node:zlib';
import { bytesAccess, concatAccess, type RandomAccess, sliceAccess } from '../bytes/access.ts';
import { openFile } from '../bytes/file.ts';
import { DidiffError } from '../errors.ts';
import { formatPlatform, type Platform } from '../image/platform.ts';
import type { Bundle, BundleParts, OpenedPart } from '../patch/bundle.ts';
import { proveBlobs } from '../patch/bundle-blobs.ts';
import { type BundleHeader, encodeBundleHeader } from '../patch/bundle-header.ts';
import { SECTION_DOCUMENTS, SECTION_HEADER } from '../patch/format.ts';
import { openPatchOrBundle } from '../patch/open.ts';
import { sectionFramer } from '../patch/sections.ts';
import type { Repository } from '../stores/registry/repository.ts';
import { assertFile, type PushedContent, type PushOptions, type PushResult, pushContent } from './push.ts';

export interface PushBundleOptions extends Omit<PushOptions, 'base'> {
  /** The base for a platform, as `PushOptions.base`; undefined where there is none. */
  readonly findBase?: ((platform: Platform) => Promise<PushOptions['base'] | undefined>) | undefined;
}

export type PlatformPushResult = PushResult & { readonly platform: string };

/** Pushes what is at `path`, which is read as a whole first. Throws as `pushPatch`, and UNSUPPORTED for a single patch. */
export async function pushBundle(
  path: string,
  repository: Repository,
  { findBase, ...options }: PushBundleOptions,
): Promise<readonly PlatformPushResult[]> {
  assertFile(path);
  const opened = await openPatchOrBundle(path);
  if (opened.kind === 'patch') {
    await opened.reader.close();
    throw new DidiffError('UNSUPPORTED', `${path} is a patch for one platform, not a bundle`);
  }
  const { bundle } = opened;
  const file = openFile(path);
  try {
    const parts = await readAll(bundle);
    const results: PlatformPushResult[] = [];
    for (const part of parts.images) {
      const base = await findBase?.(part.platform);
      const pushed = contentOf(path, file, bundle, parts, part);
      const result = await pushContent(pushed, repository, {
        ...options,
        ...(base === undefined ? {} : { base }),
      });
      results.push({ platform: formatPlatform(part.platform), ...result });
    }
    return results;
  } finally {
    file.close();
    await bundle.close();
  }
}

/** Damage is found before anything is sent. */
async function readAll(bundle: Bundle): Promise<BundleParts> {
  await proveBlobs(bundle, () => {});
  const parts = await bundle.openParts();
  await parts.shared?.reader.finish();
  for (const { reader } of parts.images) await reader.finish();
  return parts;
}

function contentOf(
  path: string,
  file: RandomAccess,
  bundle: Bundle,
  { shared }: BundleParts,
  part: OpenedPart,
): PushedContent {
  const { header } = bundle;
  const own = header.parts.findIndex(({ entry }) => entry === part.entry);
  const slices = slicesOf(header, file);
  const made = new Set(shared?.reader.header.target.layers.map(({ diffId }) => diffId));
  const takesShared = part.reader.header.base.layers.some(({ diffId }) => made.has(diffId));
  const head = wholeSlice(file, slices.heads[own]!);
  const body = wholeSlice(file, slices.bodies[own]!);
  if (shared === undefined || !takesShared)
    return { path, patches: [part.reader], content: [concatAccess([head, body])] };
  const start = encodeStart(bundle, [header.parts[0]!, header.parts[own]!]);
  const heads = concatAccess([start, wholeSlice(file, slices.heads[0]!), head]);
  return {
    path,
    patches: [shared.reader, part.reader],
    requires: header.requires,
    content: [heads, wholeSlice(file, slices.bodies[0]!), body],
  };
}

/** The sections of a bundle that has only these parts. */
function encodeStart({ header, index }: Bundle, parts: BundleHeader['parts']): RandomAccess {
  const framer = sectionFramer();
  const only = { ...header, manifests: [], blobs: [], blobStreamBytes: 0, parts };
  return bytesAccess(
    Buffer.concat([
      framer.start(),
      framer.section(SECTION_HEADER, encodeBundleHeader(only)),
      framer.section(SECTION_DOCUMENTS, brotliCompressSync(index.bytes)),
    ]),
  );
}

interface Slice {
  readonly start: number;
  readonly sizeBytes: number;
}

/** Where heads and bodies stand: the last of them ends with the file. */
function slicesOf({ parts }: BundleHeader, file: RandomAccess) {
  const sizes = [...parts.map(({ headBytes }) => headBytes), ...parts.map(({ bodyBytes }) => bodyBytes)];
  let start = file.sizeBytes - sizes.reduce((sum, size) => sum + size, 0);
  const slices = sizes.map((sizeBytes): Slice => {
    start += sizeBytes;
    return { start: start - sizeBytes, sizeBytes };
  });
  return { heads: slices.slice(0, parts.length), bodies: slices.slice(parts.length) };
}

function wholeSlice(file: RandomAccess, { start, sizeBytes }: Slice): RandomAccess {
  return sliceAccess(file, start, sizeBytes);
}
