/** Reads what a registry says in WWW-Authenticate (RFC 9110, 11.6.1): schemes with parameters, several in a row. */

export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const MAX_HEADER_LENGTH = 8192;
const TOKEN = /[!#$%&'*+.^_`|~0-9A-Za-z-]+/y;
const PARAMETER = /([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]*))/y;

/** All that can be understood of it, in order; what can't be ends the list. Never throws. */
export function parseChallenges(header: string): readonly Challenge[] {
  const text = header.slice(0, MAX_HEADER_LENGTH);
  const found: Challenge[] = [];
  let at = skip(text, 0);
  while (at < text.length) {
    const scheme = match(TOKEN, text, at)?.[0];
    if (scheme === undefined) break;
    at = skip(text, at + scheme.length);
    const parameters: Record<string, string> = {};
    for (let hit = match(PARAMETER, text, at); hit !== null; hit = match(PARAMETER, text, at)) {
      parameters[hit[1]!.toLowerCase()] = hit[2]?.replace(/\\(.)/g, '$1') ?? hit[3] ?? '';
      at = skip(text, at + hit[0].length);
    }
    found.push({ scheme: scheme.toLowerCase(), parameters });
  }
  return found;
}

function match(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function skip(text: string, from: number): number {
  let at = from;
  while (at < text.length && ' \t,'.includes(text[at]!)) at++;
  return at;
}
