/** The report of a patch: which files its bytes are for, and what each layer takes beside a pull. */
import type { HowMade, InspectedFile } from '../inspect/files/model.ts';
import type { InspectedLayer, Inspection } from '../inspect/inspect.ts';
import type { Advice, Bar, FileCost, Report } from './model.ts';
import type { FormatBytes } from './page.ts';

/** The page has six colours: what costs but a tar header is one kind. */
const KINDS = ['new', 'carried', 'changed', 'unchanged', 'predicted', 'opened archive'] as const;
const KIND_OF: Readonly<Record<HowMade, (typeof KINDS)[number]>> = {
  new: 'new',
  carried: 'carried',
  delta: 'changed',
  same: 'unchanged',
  moved: 'unchanged',
  header: 'unchanged',
  predicted: 'predicted',
  opened: 'opened archive',
};
const PATCH_COLOUR = 0;
const PULL_COLOUR = 2;
const SHARED_COLOUR = 3;

/** `name` is the patch's, for the title. */
export function reportOfPatch(
  inspection: Inspection,
  name: string,
  advice: readonly Advice[],
  formatBytes: FormatBytes,
): Report {
  const { base, target, files, patchBytes } = inspection;
  const shares = files?.shares;
  return {
    title: `Where the bytes of ${name} go`,
    facts: [
      ['patch', formatBytes(patchBytes)],
      ['base', base.name],
      ['target', `${target.name}, ${target.config}`],
      ...(shares === undefined
        ? [['files', 'not known: give --base'] as const]
        : [
            ['contents of files', formatBytes(shares.contents)] as const,
            ['tar headers', formatBytes(shares.tarHeaders)] as const,
            ['other parts of layers', formatBytes(shares.otherTar)] as const,
            ['exact blobs', formatBytes(shares.blobs)] as const,
            ['header, documents, framing', formatBytes(shares.overhead)] as const,
          ]),
    ],
    measure: 'Files by their share of the patch',
    kinds: KINDS,
    files: (files?.entries ?? []).map(costOf),
    barsTitle: 'Layers of the target: the patch beside a pull',
    bars: target.layers.map(barOf),
    advice,
  };
}

function costOf({ path, patchBytes, sizeBytes, layer, made, from }: InspectedFile): FileCost {
  const detail = [`layer ${layer}`, ...(made === 'header' ? ['header only'] : [])];
  if (from !== undefined) detail.unshift(`from ${from}`);
  return {
    path,
    bytes: patchBytes,
    sizeBytes,
    kind: KINDS.indexOf(KIND_OF[made]),
    detail: detail.join(', '),
  };
}

function barOf({ position, from, patchBytes, tarBytes, blob }: InspectedLayer): Bar {
  const pullBytes = blob?.sizeBytes ?? tarBytes;
  const label = `layer ${position}`;
  if (from === 'base')
    return { label, parts: [{ label: 'shared', bytes: pullBytes, colour: SHARED_COLOUR }] };
  return {
    label,
    parts: [
      { label: 'patch', bytes: patchBytes, colour: PATCH_COLOUR },
      { label: 'rest of a pull', bytes: Math.max(0, pullBytes - patchBytes), colour: PULL_COLOUR },
    ],
  };
}
