/** The text of `didiff diff`: what differs, part by part, and below how many files there are of each kind. */
import type { ConfigChange, HistoryEntry, ImageDiff, LayerDiff } from '../index.ts';
import { describeFiles } from './describe-files.ts';
import { formatBytes } from './format.ts';
import type { Line, Span } from './styled.ts';
import { type Column, tableLines } from './table.ts';

export function describeDiff(diff: ImageDiff, all: boolean, widthColumns?: number): readonly Line[] {
  const { base, target, layers, config, history } = diff;
  const lines: Line[] = tableLines(
    [{}, {}, {}, {}],
    [
      ['base', base.name, base.platform, base.config],
      ['target', target.name, target.platform, target.config],
    ],
    undefined,
    0,
  ).slice();
  if (!diff.differ) return [...lines, sameWords(diff)];
  const sections: (readonly [string, readonly Line[]])[] = [];
  if (layers !== undefined) sections.push(['layers', describeLayers(layers, widthColumns)]);
  if (config !== undefined && config.length > 0)
    sections.push(['config', describeConfig(config, widthColumns)]);
  if (history !== undefined && history.removed.length + history.added.length > 0)
    sections.push(['history', describeHistory(history.same, history.removed, history.added, widthColumns)]);
  if (diff.files.changes.length > 0) sections.push(['files', describeFiles(diff.files, all, widthColumns)]);
  for (const [title, body] of sections) lines.push([{ text: title, colour: 'bold' }], ...body);
  return lines;
}

function sameWords({ base, target, semantic, layers }: ImageDiff): Line {
  if (layers === undefined) return 'the files of these paths are the same';
  if (base.config === target.config) return 'the images are the same';
  return semantic ? 'the images are the same, apart from times and order' : 'the images are the same';
}

const LAYER_COLUMNS: readonly Column[] = [{}, { align: 'right' }, { align: 'right' }, { align: 'right' }, {}];

function describeLayers(layers: readonly LayerDiff[], widthColumns?: number): readonly Line[] {
  const rows = layers.map((layer): readonly Span[] => {
    const { basePosition, targetPosition, tarBytes, diffId, baseBlob, targetBlob } = layer;
    const blob = targetBlob ?? baseBlob;
    const isRecompressed =
      baseBlob !== undefined && targetBlob !== undefined && baseBlob.digest !== targetBlob.digest;
    const sizes = [tarBytes, blob?.sizeBytes].map((size) => (size === undefined ? '' : formatBytes(size)));
    return [
      layerWord(basePosition, targetPosition),
      String(targetPosition ?? basePosition),
      ...sizes,
      isRecompressed ? `${diffId}, another blob` : diffId,
    ];
  });
  return tableLines(LAYER_COLUMNS, [[' ', ' ', 'tar', 'blob'], ...rows], widthColumns);
}

function layerWord(basePosition: number | undefined, targetPosition: number | undefined): Span {
  if (basePosition === undefined) return { text: 'added', colour: 'green' };
  if (targetPosition === undefined) return { text: 'removed', colour: 'red' };
  return basePosition === targetPosition ? 'same' : { text: `moved from ${basePosition}`, colour: 'yellow' };
}

function describeConfig(changes: readonly ConfigChange[], widthColumns?: number): readonly Line[] {
  const rows = changes.flatMap(({ name, base, target }): (readonly Span[])[] => {
    if (base === undefined) return [[{ text: 'added', colour: 'green' }, name, shown(target)]];
    if (target === undefined) return [[{ text: 'removed', colour: 'red' }, name, shown(base)]];
    return [
      [{ text: 'changed', colour: 'yellow' }, name, shown(base)],
      ['', '', `→ ${shown(target)}`],
    ];
  });
  return tableLines([{}, {}, { gives: true }], rows, widthColumns);
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function describeHistory(
  same: number,
  removed: readonly HistoryEntry[],
  added: readonly HistoryEntry[],
  widthColumns?: number,
): readonly Line[] {
  const row = (word: Span) => (step: HistoryEntry) => [
    word,
    step.created?.slice(0, 19) ?? '',
    step.createdBy || (step.comment ?? ''),
  ];
  const rows = [
    ...removed.map(row({ text: 'removed', colour: 'red' })),
    ...added.map(row({ text: 'added', colour: 'green' })),
  ];
  return [
    ...(same > 0 ? [`  ${same} ${same === 1 ? 'step is' : 'steps are'} the same`] : []),
    ...tableLines([{}, {}, { gives: true }], rows, widthColumns),
  ];
}
