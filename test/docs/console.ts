/** Consoles in the documents: commands after `$ `, and below each what it prints. A line `…` stands for any lines. */
import type { Block } from './blocks.ts';

export interface Command {
  /** As typed, its continuation lines with it. */
  readonly line: string;
  readonly expected: readonly string[];
}

export function readCommands(block: Block): readonly Command[] {
  const commands: { line: string; expected: string[] }[] = [];
  for (const line of block.text.split('\n')) {
    if (line.startsWith('$ ')) commands.push({ line: line.slice(2), expected: [] });
    else if (commands.length === 0)
      throw new Error(`${block.document}:${block.line}: begins with no command`);
    else if (commands.at(-1)!.line.endsWith('\\') && commands.at(-1)!.expected.length === 0)
      commands.at(-1)!.line = `${commands.at(-1)!.line}\n${line}`;
    else commands.at(-1)!.expected.push(line);
  }
  return commands;
}

/** What was printed, line by line; nothing is no line. */
export function linesOf(text: string): readonly string[] {
  const trimmed = text.trimEnd();
  return trimmed === '' ? [] : trimmed.split('\n');
}

/** The output without what differs from one machine, encoder or Node to another: digests, sizes, versions of Node. */
export function loosely(text: string): string {
  return text
    .replace(/sha256:[0-9a-f]+…?/g, 'sha256:#')
    .replace(/\b[0-9a-f]{12}\b/g, '#')
    .replace(/\d+(\.\d+)? (B|kB|MB|GB)\b/g, '# bytes')
    .replace(/\b\d+ bytes\b/g, '# bytes')
    .replace(/\bsection \d+ at byte \d+/g, 'section # at byte #')
    .replace(/\d+(\.\d+)? times/g, '# times')
    .replace(/node \d+\.\d+\.\d+, \w+\/\w+/, 'node #')
    .replace(/ +/g, ' ');
}

/** The printed lines as the document would show them: where it has `…`, those that it skips become one. */
export function skipLines(printed: readonly string[], expected: readonly string[]): readonly string[] {
  const gap = expected.indexOf('…');
  if (gap < 0) return printed;
  const after = expected.length - gap - 1;
  if (printed.length < gap + after) return printed;
  return [...printed.slice(0, gap), '…', ...printed.slice(printed.length - after)];
}
