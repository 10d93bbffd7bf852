/**
 * The files of `didiff diff` as lines. Folders that came or went whole take one, and files that differ in times only
 * are counted, not listed, unless all are asked for.
 */
import type { FileChange, FileChangeKind, FilesDiff } from '../index.ts';
import { formatBytes } from './format.ts';
import type { Colour, Line, Span } from './styled.ts';
import { type Column, tableLines } from './table.ts';

const COLOURS: Readonly<Record<FileChangeKind, Colour>> = {
  added: 'green',
  removed: 'red',
  changed: 'yellow',
  metadata: 'dim',
  moved: 'cyan',
};

const COLUMNS: readonly Column[] = [{}, { align: 'right' }, { gives: true }, {}];

export function describeFiles(files: FilesDiff, all: boolean, widthColumns?: number): readonly Line[] {
  const onlyTimes = (change: FileChange) =>
    change.change === 'metadata' && change.aspects.every((aspect) => aspect === 'mtime');
  const listed = all ? files.changes : files.changes.filter((change) => !onlyTimes(change));
  const rows = all ? listed.map(describeChange) : foldFolders(listed);
  const hidden = files.changes.length - listed.length;
  return [
    ...tableLines(COLUMNS, rows, widthColumns),
    ...(hidden > 0 ? [`  and ${hidden} that differ in times only`] : []),
    `  ${describeCounts(files)}`,
  ];
}

function describeCounts({ counts, same }: FilesDiff): string {
  const words = (Object.keys(COLOURS) as FileChangeKind[])
    .filter((kind) => counts[kind] > 0)
    .map((kind) => (kind === 'metadata' ? `${counts[kind]} in metadata only` : `${counts[kind]} ${kind}`));
  if (same !== undefined) words.push(`${same} the same`);
  return words.join(', ');
}

/** What came or went with its folder is counted in the folder's row. */
function foldFolders(changes: readonly FileChange[]): (readonly Span[])[] {
  const rows: (readonly Span[])[] = [];
  for (let at = 0; at < changes.length; at++) {
    const folder = changes[at]!;
    const isFolder = (folder.target ?? folder.base)?.type === 'directory';
    if (!isFolder || (folder.change !== 'added' && folder.change !== 'removed')) {
      rows.push(describeChange(folder));
      continue;
    }
    let count = 0;
    let sizeBytes = 0;
    for (; changes[at + 1]?.path.startsWith(`${folder.path}/`); at++) {
      const inside = changes[at + 1]!;
      if (inside.change !== folder.change) rows.push(describeChange(inside));
      else {
        count++;
        sizeBytes += (inside.target ?? inside.base)!.sizeBytes;
      }
    }
    rows.push([
      { text: folder.change, colour: COLOURS[folder.change] },
      formatBytes(sizeBytes),
      `${folder.path}/`,
      count === 0 ? 'empty' : `with ${count} ${count === 1 ? 'entry' : 'entries'}`,
    ]);
  }
  return rows;
}

function describeChange(change: FileChange): readonly Span[] {
  const { type, sizeBytes } = (change.target ?? change.base)!;
  return [
    { text: change.change, colour: COLOURS[change.change] },
    type === 'file' ? formatBytes(sizeBytes) : '',
    type === 'directory' && change.path !== '/' ? `${change.path}/` : change.path,
    describeDetails(change),
  ];
}

/** `content, mode 0644 → 0755`; for a move, where it was. */
function describeDetails({ aspects, from, base, target }: FileChange): string {
  const details = aspects.map((aspect) => {
    if (aspect === 'type') return `${base!.type} → ${target!.type}`;
    if (aspect === 'mode') return `mode ${base!.mode} → ${target!.mode}`;
    if (aspect === 'owner') return `owner ${base!.uid}:${base!.gid} → ${target!.uid}:${target!.gid}`;
    if (aspect === 'target') return `→ ${target!.linkTarget ?? ''}, was ${base!.linkTarget ?? ''}`;
    if (aspect === 'device') return `device ${base!.device} → ${target!.device}`;
    if (aspect === 'content' && base!.sizeBytes !== target!.sizeBytes)
      return `content, was ${formatBytes(base!.sizeBytes)}`;
    return aspect;
  });
  return [...(from === undefined ? [] : [`was ${from}`]), ...details].join(', ');
}
