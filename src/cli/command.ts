/**
 * What a command is to the program: a module that registers itself, and loads what it runs only when it is run, so that
 * `--help` and `--version` need nothing but the words of all commands.
 */
import type { Command } from 'commander';
import type { Output } from './output.ts';
import type { ProgressMode } from './progress.ts';

/** The options that every command takes. */
export interface GlobalOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly progress: ProgressMode;
  /** Where scratch files go: `--temp-dir`, else the system's place for them. */
  readonly tempDirectory: string;
  /** As given, `os/architecture[/variant]`. */
  readonly platform: string | undefined;
  /** As given, the engine's address. */
  readonly host: string | undefined;
  /** How registries are reached. */
  readonly registry: {
    readonly plainHttp: boolean;
    readonly tlsVerify: boolean;
    readonly certDirectory: string | undefined;
  };
}

/** What a command is given when it runs. */
export interface CommandRun {
  readonly options: GlobalOptions;
  readonly output: Output;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** Makes the exit code EXIT_DIFFER, unless something fails afterwards. */
  readonly differ: () => void;
}

/** No error, but the answer to a question: `diff` found differences. */
export const EXIT_DIFFER = 3;

export interface CommandContext {
  /** Reads the global options that `command` was given. To be called once, by the action that runs. */
  start(command: Command): CommandRun;
}

/** A command. Its action imports the implementation dynamically, and gives it what `context.start` returns. */
export interface CommandModule {
  register(program: Command, context: CommandContext): void;
}
