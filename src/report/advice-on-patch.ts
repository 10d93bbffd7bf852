/** What to change in a build, from what its files and blobs cost in a patch. */
import type { InspectedFile } from '../inspect/files/model.ts';
import type { InspectedLayer, Inspection } from '../inspect/inspect.ts';
import { countOf, type Evidence, inOrder, onArchives, onBytecode, onCaches } from './advice.ts';
import type { Advice } from './model.ts';

/** The costliest first. Files are looked at where the base was given; costs are their shares of the patch. */
export function adviseOnPatch({ target, files }: Inspection): readonly Advice[] {
  const changes = (files?.entries ?? [])
    .filter(({ made }) => made !== 'same' && made !== 'moved' && made !== 'header')
    .map(evidenceOf);
  const closed = changes.filter(({ made }) => made !== 'opened');
  const costOf = ({ patchBytes }: Changed) => patchBytes;
  return inOrder([
    onCaches(changes, costOf),
    onBytecode(changes, costOf),
    onArchives(closed, costOf),
    onBlobs(target.layers),
  ]);
}

type Changed = InspectedFile & Evidence;

/** As a comparison would have it, as far as a patch tells. */
function evidenceOf(file: InspectedFile): Changed {
  const isNew = file.made === 'new' || file.from !== file.path;
  return { ...file, change: isNew ? 'added' : 'changed', target: { type: 'file' } };
}

/** Blobs that no recipe makes: the patch has their bytes a second time, compressed. */
function onBlobs(layers: readonly InspectedLayer[]): Advice | undefined {
  const found = layers.filter(({ blob, streams }) => blob !== undefined && (streams['blob'] ?? 0) > 0);
  if (found.length === 0) return undefined;
  const words = found.map(({ position, blob }) => `layer ${position} (${blob!.mediaType})`);
  return {
    id: 'carried-layers',
    title: `${countOf(found.length, 'compressed layer is', 'compressed layers are')} carried in the patch`,
    text:
      `Nothing known makes the very bytes of ${words.join(', ')}. Compress with gzip by docker, BuildKit or skopeo, or make ` +
      'patches with --no-blobs for receivers whose engines keep layers unpacked.',
    savesBytes: found.reduce((sum, { streams }) => sum + (streams['blob'] ?? 0), 0),
    pathCount: 0,
    paths: [],
  };
}
