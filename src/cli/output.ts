/**
 * What a command says: its result on standard output, everything else on standard error. With `--json` the result is
 * one object, and each line of standard error is an object too. A progress line never stays behind other text.
 */
import { printable } from './format.ts';
import { openProgress, type ProgressEvent, type ProgressMode, type TextStream } from './progress.ts';
import { type Colour, hasColours, type Line, renderLines } from './styled.ts';

export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly progress: ProgressMode;
}

/** The process as far as output is concerned. */
export interface Terminal {
  readonly stdout: TextStream;
  readonly stderr: TextStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Milliseconds that only grow. */
  readonly now: () => number;
}

export interface Output {
  /**
   * The one result: `value` as JSON with `--json`, else `text()`, to which a line end is added. `text` is given the
   * width of the terminal, or nothing where it goes elsewhere.
   */
  result(value: unknown, text: (widthColumns?: number) => string | readonly Line[]): void;
  /** Something worth knowing, on standard error; not with `--quiet`. */
  note(message: string): void;
  /** Something that may be unwanted, on standard error; also with `--quiet`. */
  warn(message: string): void;
  /** Given to the library as it is. */
  readonly onProgress: (event: ProgressEvent) => void;
  /** Takes the progress line away; what comes after may be printed. To be called when the command ends. */
  endProgress(): void;
}

export function openOutput(options: OutputOptions, terminal: Terminal): Output {
  const { stdout, stderr, env } = terminal;
  const progress = openProgress(progressMode(options, terminal), stderr, terminal.now);
  const say = (kind: 'note' | 'warning', message: string): void => {
    progress.clear();
    if (options.json) stderr.write(`${toJson({ [kind]: message })}\n`);
    else if (kind === 'note') stderr.write(`${printable(message)}\n`);
    else stderr.write(`${paint('warning:', 'yellow', terminal)} ${printable(message)}\n`);
  };
  return {
    result(value, text) {
      progress.end();
      const width = stdout.isTTY === true ? stdout.columns : undefined;
      const shown = options.json ? toJson(value) : renderLines(text(width), hasColours(stdout, env));
      stdout.write(`${shown}\n`);
    },
    note(message) {
      if (!options.quiet) say('note', message);
    },
    warn: (message) => say('warning', message),
    onProgress: progress.report,
    endProgress: progress.end,
  };
}

/** `auto` is a line where that can be drawn, and nothing elsewhere: logs don't want it unasked. */
function progressMode(options: OutputOptions, { stderr, env }: Terminal): 'line' | 'plain' | 'json' | 'none' {
  if (options.quiet) return 'none';
  if (options.progress !== 'auto') return options.progress;
  return stderr.isTTY === true && env['TERM'] !== 'dumb' ? 'line' : 'none';
}

/** Colours `text` for standard error. */
export function paint(text: string, colour: Colour, { stderr, env }: Terminal): string {
  return renderLines([[{ text, colour }]], hasColours(stderr, env));
}

/** JSON on one line. Integers beyond 2^53 become strings: readers would round them. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
}
