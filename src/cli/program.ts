/**
 * The command line as a whole: the options all commands share, help, and errors of use. Nothing heavy is loaded here;
 * each command does that when it runs.
 */
import { Command, CommanderError, Option } from 'commander';
import { DidiffError } from '../errors.ts';
import type { CommandContext, CommandModule } from './command.ts';
import type { TextStream } from './progress.ts';
import { PROGRESS_MODES } from './progress.ts';
import { readVersion } from './version.ts';

const DESCRIPTION = `Ship a container image update as a small patch.
The receiver ends with the very same image, digest for digest.`;

const EXAMPLES = `
Examples:
  didiff create app:1.0 app:1.1 app.didiff      make a patch from two images of the Docker engine
  didiff apply app.didiff -t app:1.1            turn app:1.0, which is found by itself, into app:1.1
  didiff check app.didiff                       would it apply? writes nothing
  didiff inspect app.didiff --json              what is in it, for programs
  didiff diff app:1.0 app:1.1                   which files and settings differ

Run 'didiff COMMAND --help' for the options and examples of a command.`;

/** Builds the program. Help goes to `stdout`, or to `stderr` when it stands for an error of use. */
export function buildProgram(
  commands: readonly CommandModule[],
  context: CommandContext,
  streams: { readonly stdout: TextStream; readonly stderr: TextStream },
): Command {
  const program = new Command('didiff')
    .description(DESCRIPTION)
    .version(readVersion(), '-V, --version', 'show the version')
    .option('--json', 'print the result as one JSON object, errors and warnings as JSON lines')
    .option('-q, --quiet', 'print nothing but the result, warnings and errors')
    .addOption(
      new Option('--progress <how>', 'how to show progress, on standard error; auto: only on a terminal')
        .choices(PROGRESS_MODES)
        .default('auto'),
    )
    .option('--temp-dir <directory>', "where scratch files go (default: the system's place)")
    .option('--platform <os/arch>', "which image of an index (default: this machine's platform)")
    .option('-H, --host <address>', 'the engine to talk to (default: as for docker)')
    .option('--plain-http', 'talk to registries without TLS')
    .addOption(
      new Option('--tls-verify <true|false>', 'whether registries must prove who they are')
        .choices(['true', 'false'])
        .default('true'),
    )
    .option('--cert-dir <directory>', "certificates for registries (default: docker's certs.d)")
    .helpOption('-h, --help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => streams.stdout.write(text),
      writeErr: (text) => streams.stderr.write(text),
      getOutHelpWidth: () => streams.stdout.columns ?? 100,
      getErrHelpWidth: () => streams.stderr.columns ?? 100,
      // Errors of use are told as all errors are.
      outputError: () => {},
    })
    .addHelpText('after', EXAMPLES)
    .exitOverride();
  for (const command of commands) command.register(program, context);
  return program;
}

/**
 * What commander threw, in our terms: a number is the exit code after help or the version was shown; an error of use
 * becomes USAGE with a hint where to look. Anything else is undefined.
 */
export function readCommanderError(thrown: unknown, program: Command, argv: readonly string[]) {
  if (!(thrown instanceof CommanderError)) return undefined;
  if (thrown.code === 'commander.helpDisplayed' || thrown.code === 'commander.version') return 0;
  // Help that nobody asked for, as no command was named, is an error of use.
  if (thrown.code === 'commander.help') return thrown.exitCode === 0 ? 0 : 2;
  const [first, ...rest] = thrown.message.replace(/^error: /, '').split('\n');
  const suggestion = /\(Did you mean (.*)\?\)/.exec(rest.join(' '))?.[1];
  const named = program.commands.find((command) => argv.includes(command.name()));
  const help = `See 'didiff ${named === undefined ? '' : `${named.name()} `}--help'.`;
  const hint = suggestion === undefined ? help : `Did you mean '${suggestion}'? ${help}`;
  return new DidiffError('USAGE', first!, { hint, data: { reason: thrown.code } });
}
