/** What `didiff create` says of the patch that it wrote: what it saves, and what of each layer is in it. */
import type { CreateReport, LayerReport } from '../index.ts';
import { describeBlob, describeExact } from './blob-words.ts';
import { formatBytes } from './format.ts';
import type { Colour, Line, Span } from './styled.ts';
import { type Column, sentenceLines, tableLines } from './table.ts';

const INDENT = 2;

export function describeCreated(report: CreateReport, path: string, widthColumns?: number): readonly Line[] {
  const { patchBytes, base, target, layers, files, exactManifest } = report;
  const sentences = [
    ...pullWords(report),
    ...(exactManifest === true ? [describeExact(report.needsBaseBlobs)] : []),
    ...(exactManifest === false
      ? ['without blobs: for classic engines, podman and docker-archives only']
      : []),
  ];
  const counted = describeCounts(files);
  return [
    ...sentenceLines(`${path}: ${formatBytes(patchBytes)}, from ${base} to ${target}`, widthColumns),
    ...sentences.flatMap((text) => sentenceLines(text, widthColumns, INDENT)),
    [{ text: 'layers', colour: 'bold' }],
    ...tableLines(LAYER_COLUMNS, layers.map(describeLayer), widthColumns),
    ...(counted.length === 0 ? [] : [[{ text: 'files', colour: 'bold' }] as Line]),
    ...tableLines([{ align: 'right' }, {}], counted),
  ];
}

function pullWords({ pullBytes = 0, patchBytes }: CreateReport): readonly string[] {
  if (pullBytes === 0) return [];
  const times = pullBytes / patchBytes;
  return [`a pull would move ${formatBytes(pullBytes)}: ${times.toFixed(times < 10 ? 1 : 0)} times as much`];
}

/** Position, bytes in the patch, bytes of the tar, in words. */
const LAYER_COLUMNS: readonly Column[] = [
  { align: 'right' },
  { align: 'right' },
  { align: 'right' },
  { wraps: true },
];

function describeLayer(layer: LayerReport, position: number): readonly Span[] {
  const { how, patchBytes, tarBytes, blob } = layer;
  const made =
    how === 'base' ? 'the same as in the base' : how === 'blob' ? 'carried whole' : 'from the base';
  const why = blob?.compression === undefined ? '' : ` (${reasonOf(blob.compression)})`;
  const words =
    blob === undefined ? made : `${made}; blob ${describeBlob(blob.source, blob, how === 'base')}${why}`;
  return [
    String(position),
    how === 'base' ? '' : formatBytes(patchBytes),
    how === 'base' ? formatBytes(tarBytes) : `of ${formatBytes(tarBytes)}`,
    words,
  ];
}

const COUNTED: readonly (readonly [keyof CreateReport['files'], string, Colour | undefined])[] = [
  ['same', 'the same', undefined],
  ['changed', 'changed', 'yellow'],
  ['added', 'new', 'green'],
  ['predicted', 'executables among them, predicted', 'cyan'],
];

/** Kinds of which there are files. */
function describeCounts(files: CreateReport['files']): readonly (readonly Span[])[] {
  return COUNTED.filter(([kind]) => files[kind] > 0).map(([kind, text, colour]) => [
    String(files[kind]),
    colour === undefined ? text : { text, colour },
  ]);
}

/** Why a blob has no recipe. */
export function reasonOf(compression: 'none' | 'gzip' | 'zstd'): string {
  if (compression === 'gzip') return 'encoder not recognised';
  return compression === 'zstd' ? 'zstd, which no recipe makes' : 'neither gzip nor zstd';
}
