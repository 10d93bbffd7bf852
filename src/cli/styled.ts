/**
 * Text for a terminal as data: lines of spans, which may have a colour. Only `renderLines` writes escape sequences, and
 * only its own: whatever a span holds is made printable first, so that no name from an image can send any.
 */
import { printable } from './format.ts';

const CODES = { red: 31, green: 32, yellow: 33, cyan: 36, dim: 2, bold: 1 } as const;
export type Colour = keyof typeof CODES;

export type Span = string | { readonly text: string; readonly colour: Colour };
export type Line = string | readonly Span[];

/** Lines with a line end between them. Line ends and tabs in a span are kept where the line is a string. */
export function renderLines(lines: string | readonly Line[], coloured: boolean): string {
  if (typeof lines === 'string') return printable(lines);
  return lines
    .map((line) => (typeof line === 'string' ? printable(line) : renderSpans(line, coloured)))
    .join('\n');
}

function renderSpans(spans: readonly Span[], coloured: boolean): string {
  return spans
    .map((span) => {
      if (typeof span === 'string') return oneLine(span);
      const text = oneLine(span.text);
      return coloured ? `\x1b[${CODES[span.colour]}m${text}\x1b[0m` : text;
    })
    .join('');
}

export function textOf(span: Span): string {
  return typeof span === 'string' ? span : span.text;
}

/** Printable, and without line ends and tabs: a name can't look like lines of the output. */
export function oneLine(text: string): string {
  return printable(text).replaceAll(/[\n\t]/g, '\ufffd');
}

/** A stream as far as colours go. */
interface MaybeTerminal {
  readonly isTTY?: boolean | undefined;
}

/**
 * Whether to write colours: on terminals, if nobody objects (no-color.org). FORCE_COLOR decides where it is set, as it
 * does in Node itself: `0` and `false` are no colours, everything else is colours.
 */
export function hasColours(
  stream: MaybeTerminal,
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return stream.isTTY === true && env['TERM'] !== 'dumb' && (env['NO_COLOR'] ?? '') === '';
}
