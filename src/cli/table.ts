/** Tables and sentences on a terminal: what is too wide for it is cut or goes on in the next line, where that is asked for. */
import { type Line, oneLine, type Span, textOf } from './styled.ts';
import { displayWidth, pad, truncateMiddle, wrapText } from './width.ts';

export interface Column {
  /** Default left. */
  readonly align?: 'left' | 'right';
  /** Cells are cut in their middle when the row doesn't fit. Of one column at most. */
  readonly gives?: boolean;
  /** Cells go on in further lines when the row doesn't fit. Of the last column only. */
  readonly wraps?: boolean;
}

const GAP = 2;
/** A column is never cut to less. */
const MIN_WIDTH = 12;

/**
 * One line per row, but where cells wrap; indented by `indent` columns. `widthColumns` is the terminal's; without it, as in a pipe, nothing is
 * cut. A row may have fewer cells than there are columns; nothing stands behind its last.
 */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly Span[])[],
  widthColumns?: number,
  indent = 2,
): readonly Line[] {
  const cells = rows.map((row) => row.map(sanitise));
  const widths = columns.map((_, at) =>
    cells.reduce((most, row) => Math.max(most, displayWidth(textOf(row[at] ?? ''))), 0),
  );
  const giving = columns.findIndex(({ gives }) => gives === true);
  if (giving >= 0 && widthColumns !== undefined) {
    const total = widths.reduce((sum, width) => sum + (width === 0 ? 0 : width + GAP), indent - GAP);
    if (total > widthColumns)
      widths[giving] = Math.min(
        widths[giving]!,
        Math.max(MIN_WIDTH, widths[giving]! - (total - widthColumns)),
      );
  }
  const wrapped = columns.at(-1)?.wraps === true && widthColumns !== undefined;
  if (!wrapped) return cells.map((row) => layOut(row, columns, widths, indent));
  const before = widths.slice(0, -1).reduce((sum, width) => sum + (width === 0 ? 0 : width + GAP), indent);
  const room = Math.max(MIN_WIDTH, widthColumns - before);
  widths[widths.length - 1] = Math.min(widths.at(-1)!, room);
  return cells
    .flatMap((row) => wrapLast(row, columns.length - 1, room))
    .map((row) => layOut(row, columns, widths, indent));
}

/** One sentence, indented; what doesn't fit follows in lines that are indented by two columns more. */
export function sentenceLines(text: string, widthColumns?: number, indent = 0): readonly Line[] {
  const whole = oneLine(text);
  if (widthColumns === undefined) return [' '.repeat(indent) + whole];
  const [first = '', ...rest] = wrapText(whole, Math.max(MIN_WIDTH, widthColumns - indent));
  if (rest.length === 0) return [' '.repeat(indent) + first];
  const further = wrapText(rest.join(' '), Math.max(MIN_WIDTH, widthColumns - indent - GAP));
  return [first, ...further].map((line, at) => ' '.repeat(at === 0 ? indent : indent + GAP) + line);
}

/** A row whose last cell is wider than `room` as several, all but the first with that cell alone. */
function wrapLast(row: readonly Span[], last: number, room: number): readonly (readonly Span[])[] {
  const cell = row[last];
  if (cell === undefined || displayWidth(textOf(cell)) <= room) return [row];
  const nothing = row.slice(0, last).map(() => '');
  return wrapText(textOf(cell), room).map((text, at) => [
    ...(at === 0 ? row.slice(0, last) : nothing),
    typeof cell === 'string' ? text : { text, colour: cell.colour },
  ]);
}

function sanitise(cell: Span): Span {
  return typeof cell === 'string' ? oneLine(cell) : { text: oneLine(cell.text), colour: cell.colour };
}

function layOut(
  row: readonly Span[],
  columns: readonly Column[],
  widths: readonly number[],
  indent: number,
): Line {
  const spans: Span[] = [' '.repeat(indent)];
  const last = row.findLastIndex((cell) => textOf(cell) !== '');
  let isFirst = true;
  for (const [at, cell] of row.slice(0, last + 1).entries()) {
    const width = widths[at]!;
    if (width === 0) continue;
    if (!isFirst) spans.push(' '.repeat(GAP));
    isFirst = false;
    const { align = 'left', gives } = columns[at]!;
    const whole = textOf(cell);
    const text = gives === true ? truncateMiddle(whole, width) : whole;
    const padding = ' '.repeat(displayWidth(pad(text, width)) - displayWidth(text));
    const styled = typeof cell === 'string' ? text : { text, colour: cell.colour };
    if (align === 'right') spans.push(padding, styled);
    else spans.push(styled, ...(at === last ? [] : [padding]));
  }
  return spans;
}
