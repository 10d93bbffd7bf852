/** The completion script for fish: one `complete` line per command, option and argument. */
import {
  type CompletionOption,
  type CompletionTree,
  type CompletionValue,
  IMAGE_PREFIXES,
  PATH_PREFIXES,
} from './completion-tree.ts';

export function fishScript(tree: CompletionTree): string {
  const own = `__${tree.program}`;
  const line = (...parts: readonly string[]): string => `complete -c ${tree.program} ${parts.join(' ')}\n`;
  const withValue = (options: readonly CompletionOption[]): string[] =>
    options.filter((option) => option.value !== undefined).flatMap((option) => option.names);
  const valued = new Set([...withValue(tree.globals), ...tree.commands.flatMap((c) => withValue(c.options))]);
  return `# fish completion of ${tree.program}. For this shell: ${tree.program} completion fish | source
# For all: ${tree.program} completion fish > ~/.config/fish/completions/${tree.program}.fish

# True when the word under the cursor is argument $argv[2], counted from 1, of command $argv[1]; the command itself is
# argument 0 of the command ''.
function ${own}_at
    set -l tokens (commandline -opc)
    set -l command ''
    set -l position 0
    set -l skip 0
    set -l plain 0
    for token in $tokens[2..-1]
        if test $skip = 1
            set skip 0
        else if test $plain = 0; and test "$token" = --
            set plain 1
        else if test $plain = 0; and string match -q -- '-*' "$token"
            if contains -- "$token" ${[...valued].join(' ')}
                set skip 1
            end
        else if test -z "$command"
            set command $token
        else
            set position (math $position + 1)
        end
    end
    test "$command" = "$argv[1]"; or return 1
    set -q argv[2]; or return 0
    test -z "$command"; and return 0
    test $argv[2] = '*'; or test $argv[2] = (math $position + 1)
end

# A name in the engine, a transport and what belongs to it, or a path.
function ${own}_images
    set -l token (commandline -ct)
    for prefix in ${PATH_PREFIXES.join(' ')}
        if string match -q -- "$prefix*" $token
            set -l path (string replace -- $prefix '' $token)
            for found in (__fish_complete_path $path)
                echo $prefix$found
            end
            return
        end
    end
    printf '%s\\n' ${IMAGE_PREFIXES.join(' ')}
    __fish_complete_path $token
    if type -q docker
        docker images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | string match -v '*<none>*'
    end
end

${line('-f')}${tree.globals.map((option) => line(...optionParts(option, own))).join('')}
${tree.commands
  .map((c) => line('-n', quote(`${own}_at ''`), '-a', c.name, '-d', quote(firstLine(c.description))))
  .join('')}${tree.commands
  .map((c) =>
    [
      '\n',
      ...c.options.map((option) => line('-n', quote(`${own}_at ${c.name}`), ...optionParts(option, own))),
      ...c.arguments.flatMap((argument, index) => {
        const values = valueParts(argument, own);
        const at = argument.isVariadic ? "'*'" : String(index + 1);
        return values.length === 0 ? [] : [line('-n', quote(`${own}_at ${c.name} ${at}`), ...values)];
      }),
    ].join(''),
  )
  .join('')}`;
}

function optionParts({ names, description, value }: CompletionOption, own: string): string[] {
  const flags = names.flatMap((name) =>
    name.startsWith('--') ? ['-l', name.slice(2)] : ['-s', name.slice(1)],
  );
  const takes = value === undefined ? [] : ['-r', ...valueParts(value, own)];
  return [...flags, ...takes, '-d', quote(firstLine(description))];
}

function valueParts({ kind, words }: CompletionValue, own: string): string[] {
  switch (kind) {
    case 'file':
      return ['-F'];
    case 'directory':
      return ['-f', '-a', quote('(__fish_complete_directories)')];
    case 'image':
      return ['-f', '-a', quote(`(${own}_images)`)];
    case 'words':
      return ['-f', '-a', quote(words.join(' '))];
    case 'any':
      return [];
  }
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}

function firstLine(text: string): string {
  return text.split('\n')[0]!;
}
