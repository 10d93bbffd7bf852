/** Tables on a terminal: cells in columns, one of which gives way when the terminal is too narrow. */
import { type Line, oneLine, type Span, textOf } from './styled.ts';
import { displayWidth, pad, truncateMiddle } from './width.ts';

export interface Column {
  /** Default left. */
  readonly align?: 'left' | 'right';
  /** Cells are cut in their middle when the row doesn't fit. Of one column at most. */
  readonly gives?: boolean;
}

const GAP = 2;
/** A column is never cut to less. */
const MIN_WIDTH = 12;

/**
 * One line per row, indented by `indent` columns. `widthColumns` is the terminal's; without it, as in a pipe, nothing is
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
  return cells.map((row) => layOut(row, columns, widths, indent));
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
