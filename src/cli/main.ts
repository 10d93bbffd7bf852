#!/usr/bin/env node
/** The program `didiff`: the list of its commands, and the only place that sets the exit code. */
import { toDidiffError } from '../errors.ts';
import { applyCommand } from './apply.ts';
import { checkCommand } from './check.ts';
import type { CommandModule } from './command.ts';
import { completionCommand } from './completion.ts';
import { createCommand } from './create.ts';
import { diffCommand } from './diff.ts';
import { estimateCommand } from './estimate.ts';
import { reportFailure } from './fail.ts';
import { inspectCommand } from './inspect.ts';
import { listCommand } from './list.ts';
import { mirrorCommand } from './mirror.ts';
import type { Terminal } from './output.ts';
import { pruneCommand } from './prune.ts';
import { pullCommand } from './pull.ts';
import { pushCommand } from './push.ts';
import { runCli } from './run.ts';
import { versionCommand } from './version.ts';

/** In the order of the help. */
const COMMANDS: readonly CommandModule[] = [
  createCommand,
  applyCommand,
  checkCommand,
  inspectCommand,
  diffCommand,
  estimateCommand,
  pushCommand,
  listCommand,
  pullCommand,
  pruneCommand,
  mirrorCommand,
  completionCommand,
  versionCommand,
];

const { stdout, stderr, env } = process;
const terminal: Terminal = { stdout, stderr, env, now: () => performance.now() };

// A reader that went away (`didiff inspect … | head`) is no failure; what is under way is finished all the same, so
// that an update isn't left half done because nobody listens.
for (const stream of [stdout, stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
  });
}
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (thrown: unknown) => {
    const error = toDidiffError(thrown);
    reportFailure(error, process.argv.includes('--json'), error.exitCode, terminal);
    process.exit(error.exitCode);
  });
}

process.exitCode = await runCli(process.argv.slice(2), COMMANDS, terminal, process);
