/** Paths chosen by globs, as `.dockerignore` and the shell know them. */
import { DidiffError } from '../../errors.ts';

/**
 * Whether a path, with its slash in front, is under one of `include` (everything, when there is none) and under none of
 * `exclude`. `*` and `?` stand for anything but a slash, `**` for any number of folders, `[a-z]` and `[!a-z]` for one
 * character; a glob holds for all that is beneath what it matches. Throws USAGE.
 */
export function chooseByGlobs(
  include: readonly string[],
  exclude: readonly string[],
): (path: string) => boolean {
  const included = include.map(compile);
  const excluded = exclude.map(compile);
  return (path) =>
    (included.length === 0 || included.some((pattern) => pattern.test(path))) &&
    !excluded.some((pattern) => pattern.test(path));
}

function compile(glob: string): RegExp {
  const trimmed = glob.replace(/^\/+/, '').replace(/\/+$/, '');
  if (trimmed === '' && !/^\/+$/.test(glob))
    throw new DidiffError('USAGE', 'an empty path was given; expected a glob such as /usr/lib/**');
  let source = '';
  for (let at = 0; at < trimmed.length; ) {
    const [text, length] = translate(trimmed, at);
    source += text;
    at += length;
  }
  return new RegExp(trimmed === '' ? '^/' : `^/${source}(?:/|$)`, 'su');
}

/** The pattern of what stands at `at`, and how long that is. */
function translate(glob: string, at: number): readonly [string, number] {
  if (glob.startsWith('**/', at)) return ['(?:[^/]+/)*', 3];
  if (glob.startsWith('**', at)) return ['.*', 2];
  const character = String.fromCodePoint(glob.codePointAt(at)!);
  if (character === '*') return ['[^/]*', 1];
  if (character === '?') return ['[^/]', 1];
  if (character === '\\' && at + 1 < glob.length) {
    const escaped = String.fromCodePoint(glob.codePointAt(at + 1)!);
    return [quote(escaped), 1 + escaped.length];
  }
  const end = character === '[' ? glob.indexOf(']', at + 2) : -1;
  if (end < 0) return [quote(character), character.length];
  return [translateClass(glob.slice(at + 1, end), glob), end + 1 - at];
}

function translateClass(inside: string, glob: string): string {
  const isNegated = inside.startsWith('!') || inside.startsWith('^');
  const members = (isNegated ? inside.slice(1) : inside).replace(/[\\[\]^]/g, '\\$&');
  const source = isNegated ? `[^/${members}]` : `(?!/)[${members}]`;
  try {
    new RegExp(source, 'u');
  } catch {
    throw new DidiffError('USAGE', `${glob} is not a glob: [${inside}] is no set of characters`);
  }
  return source;
}

function quote(character: string): string {
  return character.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}
