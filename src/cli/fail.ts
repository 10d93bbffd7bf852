/**
 * How a failure is told: `didiff: what`, then `hint: what to do`; with `--json` as one object on a line of standard
 * error. Standard output stays empty, so that a pipe never takes an error for a result.
 */
import { type DidiffError, toDidiffError } from '../errors.ts';
import { printable } from './format.ts';
import { paint, type Terminal, toJson } from './output.ts';

/** Writes `thrown` to standard error. `DIDIFF_DEBUG=1` adds the stack and the chain of causes. */
export function reportFailure(thrown: unknown, json: boolean, exitCode: number, terminal: Terminal): void {
  const error = toDidiffError(thrown);
  const debug = terminal.env['DIDIFF_DEBUG'] === '1';
  const text = json
    ? failureJson(error, exitCode, debug)
    : printable(failureText(error, debug)).replace(/^didiff:/, paint('didiff:', 'red', terminal));
  terminal.stderr.write(`${text}\n`);
}

/** Lines without the last line end. */
export function failureText(error: DidiffError, debug: boolean): string {
  const lines = [`didiff: ${error.message}`];
  if (error.hint !== undefined) lines.push(`hint: ${error.hint}`);
  if (debug) lines.push(...causes(error).map((cause, depth) => (depth === 0 ? cause : `caused by ${cause}`)));
  return lines.join('\n');
}

function failureJson(error: DidiffError, exitCode: number, debug: boolean): string {
  const { code, message, hint, data } = error;
  const details = debug ? { causes: causes(error) } : {};
  return toJson({ error: { code, exitCode, message, hint, data, ...details } });
}

/** Stacks from the error down to what it came from. Stops where a cause would come again. */
function causes(error: Error): string[] {
  const seen = new Set<unknown>();
  const stacks: string[] = [];
  for (let at: unknown = error; at !== undefined && !seen.has(at); ) {
    seen.add(at);
    stacks.push(at instanceof Error ? (at.stack ?? `${at.name}: ${at.message}`) : String(at));
    at = at instanceof Error ? at.cause : undefined;
  }
  return stacks;
}
