/** What to change in a build so that updates get smaller: each piece from evidence in the pair, with what it costs. */
import type { Estimate, EstimatedLayer } from '../estimate/model.ts';
import type { FileChange, ImageDiff } from '../inspect/diff/model.ts';
import type { Advice } from './model.ts';

/** What a change costs, in the unit of the report. */
export type CostOf = (change: FileChange) => number;

/** What the advice on single files looks at. */
export interface Evidence {
  readonly path: string;
  readonly change: FileChange['change'];
  readonly target?: { readonly type: string };
}

const MOST_PATHS = 5;

/** The costliest first. `costOf` says what a changed file costs; without it, its size in the target. */
export function adviseOnDiff(diff: ImageDiff, costOf: CostOf = sizeInTarget): readonly Advice[] {
  const changes = diff.files.changes;
  return inOrder([
    onTimes(changes, costOf),
    onCaches(changes, costOf),
    onBytecode(changes, costOf),
    onArchives(changes, costOf),
    ...onRebuiltLayers(diff),
    ...onZstd(diff),
  ]);
}

/** The costliest first, without those that were not found. */
export function inOrder(found: readonly (Advice | undefined)[]): readonly Advice[] {
  return found
    .filter((advice) => advice !== undefined)
    .sort((a, b) => b.savesBytes - a.savesBytes || (a.id < b.id ? -1 : 1));
}

export function sizeInTarget({ target }: FileChange): number {
  return target?.sizeBytes ?? 0;
}

function onTimes(changes: readonly FileChange[], costOf: CostOf): Advice | undefined {
  const found = changes.filter(({ aspects }) => aspects.length === 1 && aspects[0] === 'mtime');
  return about(found, costOf, {
    id: 'times-only',
    title: `${countOf(found.length, 'file or folder differs', 'files and folders differ')} in times only`,
    text:
      'The build sets new times on files that did not change, so their layers change. Set SOURCE_DATE_EPOCH and build with ' +
      '--output type=image,rewrite-timestamp=true (BuildKit), or fix times afterwards with `regctl image mod --time`.',
  });
}

/** What changed files cost in a patch, and blobs that it has to carry. The costliest first. */
export function adviseOnEstimate(estimate: Estimate): readonly Advice[] {
  const costs = new Map<FileChange, number>();
  for (const { path, earlier, sizeBytes, layer, estimatedBytes } of estimate.files) {
    const target = { type: 'file', sizeBytes, mode: '0644', uid: 0, gid: 0, layer } as const;
    costs.set(
      { path, change: earlier === undefined ? 'added' : 'changed', aspects: ['content'], target },
      estimatedBytes,
    );
  }
  const changes = [...costs.keys()];
  const costOf: CostOf = (change) => costs.get(change) ?? 0;
  return inOrder([
    onCaches(changes, costOf),
    onBytecode(changes, costOf),
    onArchives(changes, costOf),
    onCarried(estimate.layers),
  ]);
}

function onCarried(layers: readonly EstimatedLayer[]): Advice | undefined {
  const found = layers.filter(({ how }) => how === 'blob');
  if (found.length === 0) return undefined;
  return {
    id: 'carried-layers',
    title: `${countOf(found.length, 'layer has', 'layers have')} to be carried whole`,
    text:
      'No known encoder makes exactly these compressed bytes. Build with an engine or BuildKit that compresses with gzip, or ' +
      'make patches with --no-blobs for receivers whose engines keep layers unpacked.',
    savesBytes: found.reduce((sum, { estimatedBytes }) => sum + estimatedBytes, 0),
    pathCount: 0,
    paths: [],
  };
}

/** Folders and files that builds leave behind and nobody needs in an image. */
const LEFT_BEHIND = [
  /^\/var\/(cache|log|tmp)\//,
  /^\/var\/lib\/apt\/(lists|extended_states)/,
  /^\/var\/lib\/(dpkg|apk|rpm)\/.*-old$/,
  /^\/tmp\//,
  /^\/(root|home\/[^/]+)\/\.(cache|npm|cargo\/registry|m2|gradle|wget-hsts|bash_history|python_history)/,
  /^\/usr\/local\/share\/\.cache\//,
  /^\/etc\/(passwd|group|shadow|gshadow|subuid|subgid)-$/,
  /^\/etc\/ld\.so\.cache~?$|\.pid$/,
] as const;

export function onCaches<T extends Evidence>(
  changes: readonly T[],
  costOf: (change: T) => number,
): Advice | undefined {
  const found = changes.filter(
    ({ path, change, target }) =>
      (change === 'added' || change === 'changed') &&
      target?.type === 'file' &&
      LEFT_BEHIND.some((pattern) => pattern.test(path)),
  );
  return about(found, costOf, {
    id: 'caches',
    title: `${countOf(found.length, 'cache, log or leftover', 'caches, logs and leftovers')} of the build in the image`,
    text:
      'They differ with every build. Remove them in the RUN step that makes them, or keep them out with ' +
      'RUN --mount=type=cache.',
  });
}

/** Bytecode holds the time of its source, unless it is told to hold its hash. */
export function onBytecode<T extends Evidence>(
  changes: readonly T[],
  costOf: (change: T) => number,
): Advice | undefined {
  const byPath = new Map(changes.map((change) => [change.path, change]));
  const found = changes.filter(({ path, change }) => {
    if (change !== 'changed' || !path.endsWith('.pyc')) return false;
    const source = path.replace(/(?:__pycache__\/)?([^/.]+)(?:\.[^/]*)?\.pyc$/, '$1.py');
    const ofSource = byPath.get(source)?.change;
    return ofSource === undefined || ofSource === 'metadata';
  });
  return about(found, costOf, {
    id: 'pyc-times',
    title: `${countOf(found.length, '.pyc file differs', '.pyc files differ')}, but not what they are made from`,
    text:
      'Python writes the time of the source into its bytecode. Compile with `python -m compileall --invalidation-mode ' +
      'unchecked-hash`, or set SOURCE_DATE_EPOCH while compiling, or leave bytecode out (PYTHONDONTWRITEBYTECODE=1).',
  });
}

const ARCHIVES =
  /\.(jar|war|ear|zip|whl|egg|apk|gem|crate|nupkg|t?gz|t?xz|t?bz2|tbz|zst|lz4|br|7z|deb|rpm|asar|squashfs)$/i;

export function onArchives<T extends Evidence>(
  changes: readonly T[],
  costOf: (change: T) => number,
): Advice | undefined {
  const found = changes.filter(
    ({ path, change, target }) =>
      (change === 'changed' || change === 'added') &&
      target?.type === 'file' &&
      ARCHIVES.test(path) &&
      !LEFT_BEHIND.some((pattern) => pattern.test(path)),
  );
  return about(found, costOf, {
    id: 'archives',
    title: `${countOf(found.length, 'archive or compressed file is', 'archives and compressed files are')} new or changed`,
    text:
      'What is compressed looks new all over after a small change, and layers are compressed anyway. Unpack them in the ' +
      'build, or store their content uncompressed (`jar -0`, `zip -0`).',
  });
}

/** A layer that the base hasn't, though everything in it is the same, times apart. */
function onRebuiltLayers({ layers = [], files }: ImageDiff): readonly Advice[] {
  const changed = new Set<number | undefined>();
  const touched = new Map<number | undefined, number>();
  for (const { change, target } of files.changes) {
    if (change !== 'metadata') changed.add(target?.layer);
    else if (target !== undefined) touched.set(target.layer, (touched.get(target.layer) ?? 0) + 1);
  }
  return layers.flatMap(({ basePosition, targetPosition, targetBlob, tarBytes = 0 }) => {
    if (basePosition !== undefined || targetPosition === undefined || changed.has(targetPosition)) return [];
    const count = touched.get(targetPosition) ?? 0;
    return [
      {
        id: 'rebuilt-layer',
        title: `Layer ${targetPosition} was built again, and holds the same content`,
        text:
          `${count === 0 ? 'Nothing in it differs' : `Only metadata differs, of ${countOf(count, 'file or folder', 'files and folders')}`}. A step above ` +
          'a changed one runs again: put what changes seldom first, and copy with COPY --link, which depends on no layer below.',
        savesBytes: targetBlob?.sizeBytes ?? tarBytes,
        pathCount: 0,
        paths: [],
      },
    ];
  });
}

function onZstd({ layers = [] }: ImageDiff): readonly Advice[] {
  const found = layers.filter(
    ({ basePosition, targetBlob }) =>
      basePosition === undefined && targetBlob?.mediaType.includes('zstd') === true,
  );
  if (found.length === 0) return [];
  return [
    {
      id: 'zstd-layers',
      title: `${countOf(found.length, 'new layer is', 'new layers are')} compressed with zstd`,
      text:
        'A patch has to carry such blobs whole to be exact. Compress with gzip, or make patches with --no-blobs for receivers ' +
        'whose engines keep layers unpacked.',
      savesBytes: found.reduce((sum, { targetBlob }) => sum + targetBlob!.sizeBytes, 0),
      pathCount: 0,
      paths: [],
    },
  ];
}

/** Undefined when nothing was found. Names the costliest files. */
function about<T extends Evidence>(
  found: readonly T[],
  costOf: (change: T) => number,
  words: Pick<Advice, 'id' | 'title' | 'text'>,
): Advice | undefined {
  if (found.length === 0) return undefined;
  const sorted = [...found].sort((a, b) => costOf(b) - costOf(a) || (a.path < b.path ? -1 : 1));
  return {
    ...words,
    savesBytes: found.reduce((sum, change) => sum + costOf(change), 0),
    pathCount: found.length,
    paths: sorted.slice(0, MOST_PATHS).map(({ path }) => path),
  };
}

export function countOf(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
