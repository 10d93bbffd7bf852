/** One run of the command line, from arguments to exit code. Whatever happens is told once, and the terminal is left clean. */
import { tmpdir } from 'node:os';
import type { Command } from 'commander';
import { toDidiffError } from '../errors.ts';
import { type CommandContext, type CommandModule, EXIT_DIFFER, type GlobalOptions } from './command.ts';
import { reportFailure } from './fail.ts';
import { type Output, openOutput, type Terminal } from './output.ts';
import { buildProgram, readCommanderError } from './program.ts';
import type { ProgressMode } from './progress.ts';
import { type SignalSource, type SignalWatch, watchSignals } from './signals.ts';

/** Runs `argv` (without node and the script). Returns the exit code; never throws. */
export async function runCli(
  argv: readonly string[],
  commands: readonly CommandModule[],
  terminal: Terminal,
  source: SignalSource,
): Promise<number> {
  let output: Output | undefined;
  let watch: SignalWatch | undefined;
  let exitCode = 0;
  const context: CommandContext = {
    start(command) {
      const options = readGlobalOptions(command);
      const opened = openOutput(options, terminal);
      output = opened;
      const isAsked = terminal.stderr.isTTY === true;
      const onFirst = (): void => {
        if (isAsked) opened.note('Stopping and cleaning up; once more ends at once.');
      };
      watch = watchSignals(source, onFirst, opened.endProgress);
      const differ = (): void => {
        exitCode = EXIT_DIFFER;
      };
      return { options, output: opened, signal: watch.signal, differ };
    },
  };
  const program = buildProgram(commands, context, terminal);
  try {
    await program.parseAsync(argv, { from: 'user' });
    output?.endProgress();
    return exitCode;
  } catch (thrown) {
    output?.endProgress();
    const usage = readCommanderError(thrown, program, argv);
    if (typeof usage === 'number') return usage;
    const error = usage ?? toDidiffError(thrown);
    const failure = (error.code === 'CANCELLED' ? watch?.exitCode() : undefined) ?? error.exitCode;
    reportFailure(error, asksForJson(argv), failure, terminal);
    return failure;
  } finally {
    watch?.stop();
  }
}

/** Known also where the command line as a whole isn't understood. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  return argv.slice(0, end < 0 ? argv.length : end).includes('--json');
}

function readGlobalOptions(command: Command): GlobalOptions {
  const given = command.optsWithGlobals<{
    json?: boolean;
    quiet?: boolean;
    progress: ProgressMode;
    tempDir?: string;
    platform?: string;
    host?: string;
    plainHttp?: boolean;
    tlsVerify?: 'true' | 'false';
    certDir?: string;
  }>();
  return {
    json: given.json ?? false,
    quiet: given.quiet ?? false,
    progress: given.progress,
    tempDirectory: given.tempDir ?? tmpdir(),
    platform: given.platform,
    host: given.host,
    registry: {
      plainHttp: given.plainHttp ?? false,
      tlsVerify: given.tlsVerify !== 'false',
      certDirectory: given.certDir,
    },
  };
}
