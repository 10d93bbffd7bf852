/** The completion script for zsh: one `_arguments` call per command. Works from a file in $fpath and by `source`. */
import {
  type CompletionArgument,
  type CompletionCommand,
  type CompletionOption,
  type CompletionTree,
  type CompletionValue,
  PATH_PREFIXES,
  quoteWord,
} from './completion-tree.ts';

export function zshScript(tree: CompletionTree): string {
  const own = `_${tree.program}`;
  const globals = tree.globals.flatMap((option) => optionSpecs(option, own));
  return `#compdef ${tree.program}
# zsh completion of ${tree.program}. For this shell: source <(${tree.program} completion zsh)
# For all: ${tree.program} completion zsh > "\${fpath[1]}/_${tree.program}"

${own}_commands() {
  local -a commands=(
${tree.commands.map((c) => `    ${quoteWord(`${c.name}:${firstLine(c.description)}`)}\n`).join('')}  )
  _describe -t commands 'command' commands
}

# A name in the engine, a transport and what belongs to it, or a path.
${own}_images() {
  if compset -P '(${PATH_PREFIXES.map((prefix) => prefix.slice(0, -1)).join('|')}):'; then
    _files
    return
  fi
  local -a prefixes=('docker://') names=()
  if ! compset -P 'docker-daemon:'; then
    prefixes+=('docker-daemon:' ${PATH_PREFIXES.map(quoteWord).join(' ')})
  else
    prefixes=()
  fi
  if (( $+commands[docker] )); then
    names=(\${(f)"$(docker images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | grep -v '<none>')"})
  fi
  local found=1
  (( $#names )) && compadd -a names && found=0
  (( $#prefixes )) && { compadd -S '' -a prefixes && found=0; _files && found=0 }
  return found
}

${own}() {
  local context state state_descr line curcontext=$curcontext
  typeset -A opt_args
  local -a globals=(
${indent(globals, 4)}  )
  _arguments -C -s -S $globals '1: :${own}_commands' '*:: :->command' && return
  [[ $state == command ]] || return 1
  curcontext=\${curcontext%:*:*}:${tree.program}-$words[1]:
  case $words[1] in
${tree.commands.map((command) => commandCase(command, own)).join('')}  esac
}

if [[ $funcstack[1] == ${own} ]]; then
  ${own} "$@"
else
  compdef ${own} ${tree.program}
fi
`;
}

function commandCase(command: CompletionCommand, own: string): string {
  const specs = [
    ...command.options.flatMap((option) => optionSpecs(option, own)),
    ...command.arguments.map((argument, index) => argumentSpec(argument, index, own)),
  ];
  return `    ${quoteWord(command.name)})
      local -a specs=(
${indent(specs, 8)}      )
      _arguments -s -S $globals $specs
      ;;
`;
}

function optionSpecs({ names, description, value }: CompletionOption, own: string): string[] {
  // Either name, but not both, and each with its value behind '=' or a blank.
  const others = `(${names.join(' ')})`;
  const text = `[${escapeSpec(firstLine(description))}]`;
  return names.map((name) => {
    if (value === undefined) return quoteWord(`${others}${name}${text}`);
    const separator = name.startsWith('--') ? '=' : '+';
    return quoteWord(`${others}${name}${separator}${text}:${escapeSpec(value.name)}:${action(value, own)}`);
  });
}

function argumentSpec(argument: CompletionArgument, index: number, own: string): string {
  const position = argument.isVariadic ? '*' : String(index + 1);
  return quoteWord(`${position}:${escapeSpec(argument.name)}:${action(argument, own)}`);
}

function action({ kind, words }: CompletionValue, own: string): string {
  switch (kind) {
    case 'file':
      return '_files';
    case 'directory':
      return '_files -/';
    case 'image':
      return `${own}_images`;
    case 'words':
      return `(${words.join(' ')})`;
    case 'any':
      return ' ';
  }
}

function escapeSpec(text: string): string {
  return text.replace(/[\\:[\]]/g, '\\$&');
}

function firstLine(text: string): string {
  return text.split('\n')[0]!;
}

function indent(lines: readonly string[], width: number): string {
  return lines.map((line) => `${' '.repeat(width)}${line}\n`).join('');
}
