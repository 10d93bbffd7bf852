/** Where a patch's bytes go, as lines: the sums of all, then the files, the costliest first. */
import type { HowMade, InspectedFile, InspectedFiles } from '../index.ts';
import { formatBytes } from './format.ts';
import type { Colour, Line, Span } from './styled.ts';
import { type Column, tableLines } from './table.ts';

const COLOURS: Readonly<Record<HowMade, Colour>> = {
  new: 'red',
  carried: 'red',
  delta: 'yellow',
  predicted: 'yellow',
  opened: 'yellow',
  moved: 'cyan',
  same: 'dim',
  header: 'dim',
};

const COLUMNS: readonly Column[] = [
  { align: 'right' },
  { align: 'right' },
  { align: 'right' },
  {},
  { gives: true },
  {},
];

/** Without `all`, only the `most` costliest are listed. */
export function describePatchFiles(
  { shares, entries }: InspectedFiles,
  most: number,
  widthColumns?: number,
): readonly Line[] {
  const listed = entries.slice(0, most);
  const rest = entries.slice(most);
  const restBytes = rest.reduce((sum, { patchBytes }) => sum + patchBytes, 0);
  return [
    [{ text: 'shares', colour: 'bold' }],
    ...tableLines(
      [{ align: 'right' }, {}],
      [
        [formatBytes(shares.contents), 'contents of files'],
        [formatBytes(shares.tarHeaders), 'tar headers: names, times, owners'],
        [formatBytes(shares.otherTar), 'other parts of layers'],
        [formatBytes(shares.blobs), 'what makes compressed layers exact'],
        [formatBytes(shares.overhead), 'header, config, manifest, framing'],
      ].filter(([bytes]) => bytes !== '0 B'),
    ),
    [{ text: 'files', colour: 'bold' }],
    ...tableLines(COLUMNS, [HEADINGS, ...listed.map(describeFile)], widthColumns),
    ...(rest.length === 0
      ? []
      : [`  and ${rest.length} more with ${formatBytes(restBytes)} together; --files lists all`]),
  ];
}

const HEADINGS: readonly Span[] = ['patch', 'size', 'layer', 'made', 'path'];

function describeFile({ patchBytes, sizeBytes, layer, made, path, from }: InspectedFile): readonly Span[] {
  return [
    formatBytes(patchBytes),
    made === 'header' ? '' : formatBytes(sizeBytes),
    String(layer),
    { text: made, colour: COLOURS[made] },
    path,
    from === undefined || from === path ? '' : `from ${from}`,
  ];
}
