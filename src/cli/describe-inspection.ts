/** What `didiff inspect` says of a patch without its base: from what to what, what of each layer is in it, what it needs. */
import type { InspectedLayer, Inspection } from '../index.ts';
import { describeBlob, describeExact } from './blob-words.ts';
import { formatBytes } from './format.ts';
import type { Line, Span } from './styled.ts';
import { type Column, sentenceLines, tableLines } from './table.ts';

export function describeInspection(
  patch: Inspection,
  path: string,
  platform: string,
  widthColumns?: number,
): readonly Line[] {
  const { base, target, needs } = patch;
  const made = `format ${patch.formatVersion}, by ${patch.writer}`;
  const title = (text: string): Line => [{ text, colour: 'bold' }];
  return [
    ...sentenceLines(`${path}: ${formatBytes(patch.patchBytes)}, ${made}`, widthColumns),
    ...sentenceLines(exactWords(patch), widthColumns, 2),
    title('base'),
    ...sentenceLines(base.name, widthColumns, 2),
    ...tableLines(
      [{ align: 'right' }, { gives: true }],
      base.layers.map(({ diffId, sizeBytes }) => [formatBytes(sizeBytes), diffId]),
      widthColumns,
    ),
    title('target'),
    ...sentenceLines(`${target.name}, ${platform}`, widthColumns, 2),
    ...tableLines(
      [{}, { gives: true }],
      [
        ['config', target.config],
        ...(target.manifest === undefined ? [] : [['manifest', target.manifest]]),
        ...(target.index === undefined ? [] : [['index', target.index]]),
      ],
      widthColumns,
    ),
    title('layers'),
    ...tableLines(LAYER_COLUMNS, target.layers.map(describeLayer), widthColumns),
    title('needs'),
    ...tableLines(
      [{ align: 'right' }, { wraps: true }],
      [
        [formatBytes(needs.memoryBytes), "of memory besides the program's own"],
        [formatBytes(needs.scratchBytes), 'of scratch space, at most'],
        [formatBytes(needs.targetBytes), 'for the image'],
      ],
      widthColumns,
    ),
    title('bytes'),
    ...tableLines(
      [{ align: 'right' }, { gives: true }],
      Object.entries(patch.streams)
        .sort((a, b) => b[1] - a[1])
        .map(([name, bytes]) => [formatBytes(bytes), name]),
      widthColumns,
    ),
  ];
}

function exactWords({ exactManifest, needs }: Inspection): string {
  if (exactManifest === true) return describeExact(needs.baseBlobs);
  return exactManifest === false
    ? 'image ID only; made with --no-blobs'
    : 'image ID and layers; the target was read from a store that keeps no manifest';
}

/** Position, bytes in the patch, bytes of the tar, in words. */
const LAYER_COLUMNS: readonly Column[] = [
  { align: 'right' },
  { align: 'right' },
  { align: 'right' },
  { wraps: true },
];

function describeLayer(layer: InspectedLayer): readonly Span[] {
  const { position, from, tarBytes, patchBytes, predicted, blob } = layer;
  const made = from === 'base' ? "the base's own" : from === 'blob' ? 'carried as its blob' : 'from the base';
  const executables =
    predicted === undefined
      ? ''
      : `, ${predicted} ${predicted === 1 ? 'executable' : 'executables'} predicted`;
  const blobWords = blob === undefined ? '' : `; blob ${describeBlob(blob.from, blob, from === 'base')}`;
  return [
    String(position),
    from === 'base' ? '' : formatBytes(patchBytes),
    from === 'base' ? formatBytes(tarBytes) : `of ${formatBytes(tarBytes)}`,
    `${made}${executables}${blobWords}`,
  ];
}
