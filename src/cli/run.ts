/** One run of the command line, from arguments to exit code. Whatever happens is told once, and the terminal is left clean. */
import { tmpdir } from 'node:os';
import type { Command } from 'commander';
import { toDidiffError } from '../errors.ts';
import type { CommandContext, CommandModule, GlobalOptions } from './command.ts';
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
      return { options, output: opened, signal: watch.signal };
    },
  };
  const program = buildProgram(commands, context, terminal);
  try {
    await program.parseAsync(argv, { from: 'user' });
    output?.endProgress();
    return 0;
  } catch (thrown) {
    output?.endProgress();
    const usage = readCommanderError(thrown, program, argv);
    if (typeof usage === 'number') return usage;
    const error = usage ?? toDidiffError(thrown);
    const exitCode = (error.code === 'CANCELLED' ? watch?.exitCode() : undefined) ?? error.exitCode;
    reportFailure(error, asksForJson(argv), exitCode, terminal);
    return exitCode;
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
