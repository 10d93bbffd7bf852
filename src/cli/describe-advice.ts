/** Advice as lines: what it is about with what it costs, below it what to do, in the terminal's width. */
import type { Advice } from '../index.ts';
import { formatBytes } from './format.ts';
import type { Line } from './styled.ts';
import { tableLines } from './table.ts';
import { wrapText } from './width.ts';

const DEFAULT_COLUMNS = 100;
const INDENT = 4;

export function describeAdvice(advice: readonly Advice[], widthColumns?: number): readonly Line[] {
  if (advice.length === 0) return [];
  const lines: Line[] = [[{ text: 'advice', colour: 'bold' }]];
  for (const { title, text, savesBytes, pathCount, paths } of advice) {
    const saves = savesBytes > 0 ? `, up to ${formatBytes(savesBytes)}` : '';
    lines.push(['  ', { text: title, colour: 'yellow' }, saves]);
    for (const line of wrapText(text, (widthColumns ?? DEFAULT_COLUMNS) - INDENT))
      lines.push([`${' '.repeat(INDENT)}${line}`]);
    lines.push(
      ...tableLines(
        [{ gives: true }],
        paths.map((path) => [path]),
        widthColumns,
        INDENT + 2,
      ),
    );
    if (pathCount > paths.length) lines.push(`${' '.repeat(INDENT + 2)}and ${pathCount - paths.length} more`);
  }
  return lines;
}
