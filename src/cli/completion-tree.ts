/**
 * The program's commands and options as plain data, for the three shells' scripts. What a value is, a file, an image or
 * a word of a list, is told by its name in the help (`<patch>`, `--temp-dir <directory>`), so that help and completion
 * agree. Commands are one level deep.
 */
import type { Argument, Command, Option } from 'commander';

/** What can stand for a value. `image` is a name in the engine, a transport's prefix, or a path; `words` a fixed list. */
export type ValueKind = 'file' | 'directory' | 'image' | 'words' | 'any';

export interface CompletionValue {
  readonly name: string;
  readonly kind: ValueKind;
  /** For `words`. */
  readonly words: readonly string[];
}

export interface CompletionOption {
  /** As typed: `-q`, `--quiet`. */
  readonly names: readonly string[];
  readonly description: string;
  /** Absent for switches. */
  readonly value?: CompletionValue;
}

export interface CompletionArgument extends CompletionValue {
  readonly isVariadic: boolean;
}

export interface CompletionCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletionOption[];
  readonly arguments: readonly CompletionArgument[];
}

export interface CompletionTree {
  readonly program: string;
  /** Options that may also stand behind any command. */
  readonly globals: readonly CompletionOption[];
  readonly commands: readonly CompletionCommand[];
}

/** What image references may begin with, besides a name. */
export const IMAGE_PREFIXES = [
  'docker-daemon:',
  'docker-archive:',
  'oci:',
  'oci-archive:',
  'docker://',
] as const;

/** The prefixes that a path follows. */
export const PATH_PREFIXES = ['docker-archive:', 'oci:', 'oci-archive:'] as const;

const PLATFORMS = ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'linux/386', 'linux/riscv64', 'linux/s390x'];

const KINDS: Readonly<Record<string, ValueKind>> = {
  patch: 'file',
  file: 'file',
  path: 'file',
  directory: 'directory',
  dir: 'directory',
  base: 'image',
  target: 'image',
  image: 'image',
  ref: 'image',
  dest: 'image',
  'name:tag': 'image',
};

export function readCompletionTree(program: Command): CompletionTree {
  const help = program.createHelp();
  return {
    program: program.name(),
    globals: help.visibleOptions(program).map(readOption),
    commands: help.visibleCommands(program).map((command) => ({
      name: command.name(),
      description: command.description(),
      options: help
        .visibleOptions(command)
        // Help is the program's too; one of each name is enough.
        .filter((option) => option.long !== '--help')
        .map(readOption),
      arguments: command.registeredArguments.map((argument) => readArgument(argument, program)),
    })),
  };
}

function readOption(option: Option): CompletionOption {
  const names = [option.short, option.long].filter((name) => name !== undefined);
  const valueName = /[<[]([^>\]]+)[>\]]/.exec(option.flags)?.[1];
  const base = { names, description: option.description };
  return valueName === undefined ? base : { ...base, value: readValue(valueName, option.argChoices) };
}

function readArgument(argument: Argument, program: Command): CompletionArgument {
  const name = argument.name();
  // The argument of `help` is a command, which commander doesn't say.
  const words = name === 'command' ? program.commands.map((command) => command.name()) : argument.argChoices;
  return { ...readValue(name, words), isVariadic: argument.variadic };
}

function readValue(valueName: string, choices: readonly string[] | undefined): CompletionValue {
  const name = valueName.replace(/\.\.\.$/, '');
  if (choices !== undefined) return { name, kind: 'words', words: choices };
  if (name === 'os/arch') return { name, kind: 'words', words: PLATFORMS };
  return { name, kind: KINDS[name.toLowerCase()] ?? 'any', words: [] };
}

/** A text as one word of a POSIX shell. */
export function quoteWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
