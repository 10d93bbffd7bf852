/** The report of a comparison: which files differ, and how much of the target a pull would send again for them. */
import type { FileChange, FileChangeKind, ImageDiff, LayerDiff } from '../inspect/diff/model.ts';
import type { Advice, Bar, FileCost, Report } from './model.ts';

/** In the order of the page's colours: green, red, yellow, grey, blue. */
const KINDS: readonly FileChangeKind[] = ['added', 'removed', 'changed', 'metadata', 'moved'];
const NEW_COLOUR = 2;
const SHARED_COLOUR = 3;

export function reportOfDiff(diff: ImageDiff, advice: readonly Advice[]): Report {
  const { base, target, files, layers = [] } = diff;
  const { counts, same } = files;
  const words = KINDS.filter((kind) => counts[kind] > 0).map((kind) => `${counts[kind]} ${kind}`);
  if (same !== undefined) words.push(`${same} the same`);
  return {
    title: `Differences between ${base.name} and ${target.name}`,
    facts: [
      ['base', `${base.name}, ${base.platform}, ${base.config}`],
      ['target', `${target.name}, ${target.platform}, ${target.config}`],
      ['files', diff.differ ? words.join(', ') : 'no differences'],
      ...(diff.config ?? []).map(({ name, base: old, target: next }): [string, string] => [
        name,
        `${textOf(old)} → ${textOf(next)}`,
      ]),
    ],
    measure: 'Files that differ, by their size in the target',
    kinds: KINDS,
    files: files.changes.filter(isFile).map(costOf),
    barsTitle: 'Layers of the target',
    bars: layers.flatMap(barOf),
    advice,
  };
}

/** Folders take no bytes; what is in them is listed. */
function isFile({ base, target }: FileChange): boolean {
  return (target ?? base)!.type !== 'directory';
}

function costOf(change: FileChange): FileCost {
  const { path, from, aspects, base, target } = change;
  const details = from === undefined ? [...aspects] : [`was ${from}`, ...aspects];
  return {
    path,
    bytes: target?.sizeBytes ?? 0,
    sizeBytes: (target ?? base)!.sizeBytes,
    kind: KINDS.indexOf(change.change),
    ...(details.length === 0 ? {} : { detail: details.join(', ') }),
  };
}

function barOf({ basePosition, targetPosition, targetBlob, tarBytes = 0 }: LayerDiff): readonly Bar[] {
  if (targetPosition === undefined) return [];
  const bytes = targetBlob?.sizeBytes ?? tarBytes;
  const part =
    basePosition === undefined
      ? { label: 'to pull', bytes, colour: NEW_COLOUR }
      : { label: 'shared', bytes, colour: SHARED_COLOUR };
  return [{ label: `layer ${targetPosition}`, parts: [part] }];
}

function textOf(value: unknown): string {
  if (value === undefined) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
