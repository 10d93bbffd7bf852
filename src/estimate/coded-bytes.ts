/** What a program takes in a patch: its streams coded as `create` codes them, and thrown away. */
import { type CodeOptions, codeStreams } from '../create/entropy.ts';
import type { Program } from '../create/program.ts';
import { writeSeeks } from '../create/source-log.ts';
import { DELTA_STREAMS } from '../patch/format.ts';

/** Closes the program's streams. */
export async function codedBytes(program: Program, options: CodeOptions): Promise<number> {
  try {
    writeSeeks(program.seeks, program.sources, (address) => address);
    const coded = await codeStreams(program.streams, DELTA_STREAMS, 0, options);
    for (const stream of coded) stream.close();
    return coded.reduce((sum, { info }) => sum + info.codedBytes, 0);
  } finally {
    for (const stream of program.streams) stream.close();
  }
}
