/**
 * The completion script for bash, 3.2 (macOS) and later. Bash splits words at `:` and `=`, which image references and
 * `--option=value` hold, so the script puts the words together again, and cuts what it offers to bash's idea of a word.
 * No package for bash is needed.
 */
import {
  type CompletionOption,
  type CompletionTree,
  type CompletionValue,
  IMAGE_PREFIXES,
  PATH_PREFIXES,
  quoteWord,
} from './completion-tree.ts';

export function bashScript(tree: CompletionTree): string {
  const own = `_${tree.program}`;
  return `# bash completion of ${tree.program}. For this shell: source <(${tree.program} completion bash)
# For all: ${tree.program} completion bash > /etc/bash_completion.d/${tree.program}

# The options of command $1; those of all commands when it is empty.
${own}_options() {
  case $1 in
    '') printf '%s\\n' ${optionNames(tree.globals)} ;;
${tree.commands.map((c) => `    ${quoteWord(c.name)}) printf '%s\\n' ${optionNames(c.options)} ;;\n`).join('')}  esac
}

# What the value of option $2 of command $1 is; fails for options without one.
${own}_value() {
  case $1:$2 in
${valueCases(tree.globals, '*')}${tree.commands.map((c) => valueCases(c.options, quoteWord(c.name))).join('')}    *) return 1 ;;
  esac
}

# What argument $2, counted from 1, of command $1 is.
${own}_argument() {
  case $1:$2 in
${tree.commands
  .flatMap((c) =>
    c.arguments.map((argument, index) => {
      const position = argument.isVariadic ? '*' : String(index + 1);
      return `    ${quoteWord(c.name)}:${position}) ${echoValue(argument)} ;;\n`;
    }),
  )
  .join('')}  esac
}

# Candidates for word $2, of kind $1 or one of the words of the list $1.
${own}_candidates() {
  local prefix path
  case $1 in
    any | '') ;;
    words\\ *) compgen -W "\${1#words }" -- "$2" ;;
    file) compgen -f -- "$2" ;;
    directory) compgen -d -- "$2" ;;
    image)
      for prefix in ${PATH_PREFIXES.join(' ')}; do
        if [[ $2 == "$prefix"* ]]; then
          ${own}_paths "\${2#"$prefix"}" | while IFS= read -r path; do printf '%s\\n' "$prefix$path"; done
          return
        fi
      done
      compgen -W '${IMAGE_PREFIXES.join(' ')}' -- "$2"
      ${own}_paths "$2"
      if [[ $2 != */* || $2 == *[a-z0-9]/* ]] && type docker >/dev/null 2>&1; then
        compgen -W "$(docker images --format '{{.Repository}}:{{.Tag}}' 2>/dev/null | grep -v '<none>')" -- "$2"
      fi
      ;;
  esac
}

# Paths that begin with $1, directories with a slash behind.
${own}_paths() {
  local path
  compgen -f -- "$1" | while IFS= read -r path; do
    if [[ -d $path ]]; then printf '%s/\\n' "$path"; else printf '%s\\n' "$path"; fi
  done
}

${own}() {
  local line=\${COMP_LINE:0:COMP_POINT} rest word i count=0
  local words=() command='' position=0 kind='' cur name
  # A word that follows another without a blank between is a part of it.
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    rest=\${line#"\${line%%[![:blank:]]*}"}
    if ((i == COMP_CWORD)); then word=$rest; fi
    if ((i > 0)) && [[ $rest == "$line" && -n $word ]]; then
      words[count - 1]+=$word
    else
      words[count++]=$word
    fi
    line=\${rest#"$word"}
  done
  cur=\${words[count - 1]}
  # Which command, and which of its arguments?
  for ((i = 1; i < count - 1; i++)); do
    word=\${words[i]}
    if [[ $kind == -- ]]; then
      ((position++))
    elif [[ $word == -- ]]; then
      kind=--
    elif [[ $word == -* ]]; then
      if ${own}_value "$command" "$word" >/dev/null; then ((i++)); fi
    elif [[ -z $command ]]; then
      command=$word
    else
      ((position++))
    fi
  done
  local candidates='' before=''
  if [[ $kind != -- ]] && ((count > 2)) && [[ \${words[count - 2]} == -* ]] &&
    name=$(${own}_value "$command" "\${words[count - 2]}"); then
    kind=$name
    candidates=$(${own}_candidates "$kind" "$cur")
  elif [[ $kind != -- && $cur == --*=* ]]; then
    before=\${cur%%=*}=
    if kind=$(${own}_value "$command" "\${cur%%=*}"); then
      candidates=$(${own}_candidates "$kind" "\${cur#*=}")
    fi
  elif [[ $kind != -- && $cur == -* ]]; then
    candidates=$(compgen -W "$(${own}_options "$command") $(${own}_options '')" -- "$cur")
  elif [[ -z $command ]]; then
    candidates=$(compgen -W ${quoteWord(tree.commands.map((c) => c.name).join(' '))} -- "$cur")
  else
    kind=$(${own}_argument "$command" "$((position + 1))")
    candidates=$(${own}_candidates "$kind" "$cur")
  fi
  # Bash replaces only what stands behind its last break; that much is taken off each candidate.
  local cut='' tail=$cur
  if [[ $COMP_WORDBREAKS == *:* ]]; then tail=\${tail##*:}; fi
  if [[ $COMP_WORDBREAKS == *=* ]]; then tail=\${tail##*=}; fi
  cut=\${cur%"$tail"}
  COMPREPLY=()
  while IFS= read -r word; do
    if [[ -n $word ]]; then
      word=$before$word
      word=\${word#"$cut"}
      # Readline itself quotes what it knows to be files.
      if [[ $kind == image && $word == *[[:blank:]\\'\\"\\\\]* ]]; then printf -v word '%q' "$word"; fi
      COMPREPLY[\${#COMPREPLY[@]}]=$word
    fi
  done <<<"$candidates"
  if [[ $kind == file || $kind == directory ]]; then
    compopt -o filenames 2>/dev/null
  elif ((\${#COMPREPLY[@]} == 1)) && [[ \${COMPREPLY[0]} == *[:/] ]]; then
    compopt -o nospace 2>/dev/null
  fi
}

complete -F ${own} ${tree.program}
`;
}

function optionNames(options: readonly CompletionOption[]): string {
  return options.flatMap((option) => option.names).join(' ');
}

function valueCases(options: readonly CompletionOption[], command: string): string {
  return options
    .filter((option) => option.value !== undefined)
    .map((option) => {
      const patterns = option.names.map((name) => `${command}:${name}`).join(' | ');
      return `    ${patterns}) ${echoValue(option.value!)} ;;\n`;
    })
    .join('');
}

function echoValue({ kind, words }: CompletionValue): string {
  return `echo ${quoteWord(kind === 'words' ? `words ${words.join(' ')}` : kind)}`;
}
