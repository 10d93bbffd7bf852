/** Applies all of a bundle: everything that the index names, made visible at once when all of it is there. */
import { bytesAccess, sliceAccess } from '../bytes/access.ts';
import { openTempFile, type TempFile } from '../bytes/file.ts';
import { DidiffError } from '../errors.ts';
import { formatPlatform } from '../image/platform.ts';
import type { ImageSink, StoredBlob, StoreOptions, TargetImage } from '../image/store.ts';
import type { Bundle, BundleParts, OpenedPart } from '../patch/bundle.ts';
import { proveBlobs } from '../patch/bundle-blobs.ts';
import { type ApplyOptions, type ApplyResult, assertThreads, writeLayers } from './apply.ts';
import { assertBase } from './base.ts';
import { type Bases, type OpenBase, openBases } from './bundle-bases.ts';
import { checkLayers } from './check.ts';
import { assertOutput, type Needs } from './needs.ts';
import { assertBlobs, targetOf } from './target.ts';

/**
 * Makes everything that the bundle's index names in `sink`. `openBase` is called for each part that makes something from a
 * base. Published is the index. Throws UNSUPPORTED for sinks that take no index, and what `applyPatch` throws.
 */
export async function applyWhole(
  bundle: Bundle,
  openBase: OpenBase,
  sink: ImageSink,
  options: ApplyOptions,
): Promise<ApplyResult> {
  assertThreads(options.threads ?? 1);
  assertWhole(bundle);
  assertTakesIndexes(sink);
  const scratch = openTempFile(options.tempDirectory);
  try {
    const blobs = await keepBlobs(bundle, scratch, options);
    const parts = await bundle.openParts();
    for (const { reader } of parts.images) assertBlobs(reader.header, sink);
    const target = wholeTarget(bundle, parts, blobs);
    const names = options.names ?? [];
    const bases = openBases(parts, sink.takes, openBase, options);
    try {
      if ((await sink.find(target)) !== undefined)
        return { ...(await sink.commit(target, names)), wasThere: true, writtenLayers: 0 };
      const missing = await sink.begin(target);
      // Each part is compared with what is left; that all of them fit shows before the first.
      assertOutput(blobBytes(target, missing), sink.directory);
      for (const { part, start, wanted } of divide(parts, missing)) {
        if (wanted.length > 0) await writePart(part, start, wanted, bases, sink, options);
        await part.reader.finish();
      }
      options.signal?.throwIfAborted();
      return { ...(await sink.commit(target, names)), wasThere: false, writtenLayers: missing.length };
    } catch (error) {
      await sink.abort();
      throw error;
    } finally {
      await bases.close();
    }
  } finally {
    scratch.close();
  }
}

export interface WholeCheck {
  readonly wasThere: boolean;
  readonly platforms: readonly {
    readonly platform: string;
    readonly base: string;
    readonly provedLayers: number;
  }[];
  /** Of all: the most of memory and scratch space, the sum of what is written. */
  readonly needs: Needs;
}

/** Would `applyWhole` work? Makes what `sink` lacks, without a sink everything, and keeps nothing. */
export async function checkWhole(
  bundle: Bundle,
  openBase: OpenBase,
  sink: ImageSink | undefined,
  options: StoreOptions,
): Promise<WholeCheck> {
  assertWhole(bundle);
  if (sink !== undefined) assertTakesIndexes(sink);
  const scratch = openTempFile(options.tempDirectory);
  try {
    const blobs = await keepBlobs(bundle, scratch, options);
    const parts = await bundle.openParts();
    if (sink !== undefined) for (const { reader } of parts.images) assertBlobs(reader.header, sink);
    const target = wholeTarget(bundle, parts, blobs);
    const wasThere = sink !== undefined && (await sink.find(target)) !== undefined;
    const all = [...target.layers.keys()];
    const missing = sink === undefined || wasThere ? all : await sink.findLacking(target);
    if (!wasThere) assertOutput(blobBytes(target, missing), sink?.directory);
    const takes = sink === undefined || wasThere ? 'tar' : sink.takes;
    const bases = openBases(parts, takes, openBase, options);
    const platforms: WholeCheck['platforms'][number][] = [];
    let needs: Needs = { memoryBytes: 0, scratchBytes: 0, outputBytes: 0 };
    try {
      for (const { part, wanted } of divide(parts, missing)) {
        const base = await bases.open(part);
        try {
          const { header } = part.reader;
          const own = await checkLayers(
            part.reader,
            base,
            { header, layers: wanted, takes },
            sink?.directory,
            options,
          );
          needs = {
            memoryBytes: Math.max(needs.memoryBytes, own.memoryBytes),
            scratchBytes: Math.max(needs.scratchBytes, own.scratchBytes),
            outputBytes: needs.outputBytes + own.outputBytes,
          };
          const platform = formatPlatform(part.platform);
          platforms.push({ platform, base: base.name, provedLayers: wanted.length });
        } finally {
          await base.close();
        }
        await part.reader.finish();
      }
      return { wasThere, platforms, needs };
    } finally {
      await bases.close();
    }
  } finally {
    scratch.close();
  }
}

function assertWhole({ isWhole, header }: Bundle): void {
  if (isWhole) return;
  throw new DidiffError('UNSUPPORTED', `this bundle has only some of the images of ${header.targetName}`, {
    hint: 'Leave --all-platforms out: it was taken out of a whole one, for one platform.',
  });
}

function assertTakesIndexes(sink: ImageSink): void {
  if (sink.takesIndexes) return;
  throw new DidiffError('UNSUPPORTED', `${sink.name} takes the image for one platform, not a whole index`, {
    hint: 'Leave --all-platforms out, or write to a registry, an OCI layout (oci:DIR) or an oci-archive:FILE.',
  });
}

/** What the index names besides images, on disk until everything is written. */
async function keepBlobs(
  bundle: Bundle,
  scratch: TempFile,
  { signal }: StoreOptions,
): Promise<readonly StoredBlob[]> {
  await proveBlobs(bundle, (_, piece) => scratch.append(piece), signal);
  let start = 0;
  return bundle.header.blobs.map(({ digest, sizeBytes }) => {
    start += sizeBytes;
    return { digest, content: sliceAccess(scratch, start - sizeBytes, sizeBytes) };
  });
}

/** All images as one target, whose layers are those of the parts, one after the other. */
function wholeTarget(bundle: Bundle, { images }: BundleParts, blobs: readonly StoredBlob[]): TargetImage {
  const targets = images.map(({ reader }) => targetOf(reader.header, reader.documents));
  const [first, ...others] = targets as [TargetImage, ...TargetImage[]];
  const configs = others.map(({ config }) => ({ digest: config.digest, content: bytesAccess(config.bytes) }));
  const unique = new Map([...configs, ...blobs].map((blob) => [blob.digest, blob]));
  return {
    ...first,
    index: bundle.index,
    layers: targets.flatMap(({ layers }) => layers),
    rest: {
      manifests: [...others.map(({ manifest }) => manifest), ...bundle.manifests],
      blobs: [...unique.values()],
    },
  };
}

function blobBytes({ layers }: TargetImage, missing: readonly number[]): number {
  return missing.reduce((sum, position) => sum + layers[position]!.blob.sizeBytes, 0);
}

/** The positions of `missing`, which are of all layers, as positions of each part. */
function divide({ images }: BundleParts, missing: readonly number[]) {
  let start = 0;
  return images.map((part) => {
    const from = start;
    start += part.reader.header.target.layers.length;
    const wanted = missing.filter((position) => position >= from && position < start).map((at) => at - from);
    return { part, start: from, wanted };
  });
}

async function writePart(
  part: OpenedPart,
  start: number,
  wanted: readonly number[],
  bases: Bases,
  sink: ImageSink,
  options: ApplyOptions,
): Promise<void> {
  const { header } = part.reader;
  const base = header.base.layers.length === 0 ? undefined : await bases.open(part);
  const own = {
    takes: sink.takes,
    directory: sink.directory,
    putLayer: (position: number, pieces: AsyncIterable<Uint8Array>) =>
      sink.putLayer(start + position, pieces),
  };
  try {
    if (base !== undefined) assertBase(header, base);
    await writeLayers(part.reader, base, own, wanted, options);
  } finally {
    await base?.close();
  }
}
