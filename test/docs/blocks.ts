/** The fenced blocks of the project's documents, by their info strings: what the tests run and compare. */
import { readFileSync, writeFileSync } from 'node:fs';

export interface Block {
  readonly document: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** What stands behind the opening fence: `console run`, `ts run`. */
  readonly info: string;
  readonly text: string;
  readonly lineCount: number;
}

export function readBlocks(document: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { line: number; info: string; lines: string[] } | undefined;
  for (const [index, line] of readFileSync(document, 'utf8').split('\n').entries()) {
    if (open === undefined) {
      if (line.startsWith('```')) open = { line: index + 1, info: line.slice(3).trim(), lines: [] };
    } else if (line === '```') {
      blocks.push({
        document,
        line: open.line,
        info: open.info,
        text: open.lines.join('\n'),
        lineCount: open.lines.length,
      });
      open = undefined;
    } else open.lines.push(line);
  }
  if (open !== undefined) throw new Error(`${document}:${open.line}: a block is not closed`);
  return blocks;
}

/** The only block whose info string ends in `name`. */
export function getBlock(document: string, name: string): Block {
  const found = readBlocks(document).filter(({ info }) => info.split(' ').at(-1) === name);
  if (found.length !== 1) throw new Error(`${document} has ${found.length} blocks ${name}; expected one`);
  return found[0]!;
}

/** Puts `text` in the place of a block's. */
export function replaceBlock(block: Block, text: string): void {
  const lines = readFileSync(block.document, 'utf8').split('\n');
  lines.splice(block.line, block.lineCount, ...text.split('\n'));
  writeFileSync(block.document, lines.join('\n'));
}

/** The rows of the table that follows the heading `title`, cells without their white space. */
export function readTable(document: string, title: string): readonly (readonly string[])[] {
  const lines = readFileSync(document, 'utf8').split('\n');
  const heading = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, '') === title);
  if (heading < 0) throw new Error(`${document} has no heading ${title}`);
  const start = lines.findIndex((line, at) => at > heading && line.startsWith('|'));
  const rows: string[][] = [];
  for (let at = start; lines[at]?.startsWith('|'); at++) {
    rows.push(
      lines[at]!.slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );
  }
  return rows.slice(2);
}
