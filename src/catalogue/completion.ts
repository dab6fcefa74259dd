import { type Described, type Values, valuesOf } from './completion_values.js'

export const SHELLS = ['bash', 'zsh'] as const
export type Shell = (typeof SHELLS)[number]

interface Flag extends Described {
  type: 'boolean' | 'option'
  char?: string | undefined
  hidden?: boolean | undefined
  allowNo?: boolean | undefined
}

/** A command as in oclif's manifest. */
export interface CompletedCommand {
  id: string
  hidden?: boolean | undefined
  args: Record<string, Described & { multiple?: boolean | undefined }>
  flags: Record<string, Flag>
}

/**
 * Returns the script that completes these commands in a shell. The shell reads it once: nothing is started at each Tab.
 */
export function completionScript(shell: Shell, commands: readonly CompletedCommand[]): string {
  const shown = commands.filter(({ hidden }) => !hidden)
  const flags = shown.map((command) => [spaced(command), wordsLine(flagWords(command))])
  const setUp = shell === 'zsh' ? 'autoload -Uz compinit bashcompinit && compinit -u && bashcompinit\n' : ''
  return `# compacter completion ${shell}
${setUp}${chooser('_compacter_commands', wordsByGroup(shown))}
${chooser('_compacter_flags', Object.fromEntries(flags))}
${chooser('_compacter_values', Object.assign({}, ...shown.map(valueLines)))}
${MAIN}`
}

const spaced = ({ id }: CompletedCommand) => id.replaceAll(':', ' ')
const wordsLine = (words: readonly string[]) => `words='${words.join(' ')}'`

/** Returns the words that can follow a group of commands; for the empty group, all first words. */
function wordsByGroup(commands: readonly CompletedCommand[]): Record<string, string> {
  const names = commands.map((command) => spaced(command).split(' '))
  const first = [...new Set(['help', ...names.map(([word]) => word!)])].sort()
  const groups = first.map((group) => {
    const second = names.flatMap(([word, next]) => (word === group && next !== undefined ? [next] : []))
    return [group, group === 'help' ? first : second.sort()] as const
  })
  const withWords = [['', first] as const, ...groups].filter(([, words]) => words.length > 0)
  return Object.fromEntries(withWords.map(([group, words]) => [group, wordsLine(words)]))
}

function flagWords({ flags }: CompletedCommand): string[] {
  const shown = Object.entries(flags).filter(([, { hidden }]) => !hidden)
  return [
    '--help',
    ...shown.flatMap(([name, { allowNo }]) => (allowNo ? [`--${name}`, `--no-${name}`] : [`--${name}`])),
  ]
}

/**
 * Returns values by `command --flag`, and by `command 0` for the first argument; the last argument is `command +` if it
 * may be repeated.
 */
function valueLines(command: CompletedCommand): Record<string, string> {
  const name = spaced(command)
  const flags = Object.entries(command.flags).flatMap(([flag, described]) => {
    if (described.type !== 'option') return []
    const line = valuesLine(valuesOf({ ...described, name: flag }))
    return [[`${name} --${flag}`, line], ...(described.char ? [[`${name} -${described.char}`, line]] : [])]
  })
  const args = Object.entries(command.args).flatMap(([arg, described], i) => {
    const line = valuesLine(valuesOf({ ...described, name: arg }))
    return [[`${name} ${i}`, line], ...(described.multiple ? [[`${name} +`, line]] : [])]
  })
  return Object.fromEntries([...flags, ...args])
}

const valuesLine = ({ words, paths }: Values) => `${wordsLine(words)} paths=${paths ?? 'none'}`

/**
 * Returns a function of the shell that sets \`words\` and \`paths\` by its argument, and fails where it has no entry.
 */
function chooser(name: string, lines: Record<string, string>): string {
  const cases = Object.entries(lines).map(([key, line]) => `  '${key}') ${line} ;;`)
  return `${name}() {\n  words='' paths=none\n  case "$1" in\n${cases.join('\n')}\n  *) return 1 ;;\n  esac\n}`
}

/** bash reads this, and zsh as sh. Bash takes \`--flag=value\` for three words. */
const MAIN = `_compacter() {
  local command='' words='' paths=none position=0 i=1 w d
  local word="\${COMP_WORDS[$COMP_CWORD]}" before="\${COMP_WORDS[$((COMP_CWORD - 1))]}"
  if [ "$word" = '=' ]; then word=''
  elif [ "$before" = '=' ] && [ "$COMP_CWORD" -gt 1 ]; then before="\${COMP_WORDS[$((COMP_CWORD - 2))]}"; fi
  while [ "$i" -lt "$COMP_CWORD" ]; do
    w="\${COMP_WORDS[$i]}"
    case "$w" in
    -*)
      if _compacter_values "$command $w"; then
        if [ "\${COMP_WORDS[$((i + 1))]}" = '=' ]; then i=$((i + 1)); fi
        i=$((i + 1))
      fi ;;
    =) i=$((i + 1)) ;;
    *)
      if _compacter_commands "$command"; then
        case " $words " in
        *" $w "*)
          if [ "$command" = help ]; then command="$w"; else command="\${command:+$command }$w"; fi
          position=0 ;;
        *) return 0 ;;
        esac
      else position=$((position + 1)); fi ;;
    esac
    i=$((i + 1))
  done
  COMPREPLY=()
  case "$before" in
  -*) _compacter_values "$command $before" || before='' ;;
  *) before='' ;;
  esac
  if [ -z "$before" ]; then
    case "$word" in
    -*) _compacter_flags "$command" ;;
    *)
      _compacter_commands "$command" || _compacter_values "$command $position" || _compacter_values "$command +" ;;
    esac
  fi
  case "$words" in *=*) compopt -o nospace 2>/dev/null ;; esac
  local IFS='
'
  COMPREPLY=($(compgen -W "$(printf '%s\\n' "$words" | tr ' ' '\\n')" -- "$word"))
  if [ "$paths" = runs ]; then
    case "$word" in
    */*) ;;
    *)
      for d in runs/*/; do
        if [ -f "\${d}experiment.yaml" ] || [ -f "\${d}cells.json" ]; then
          case "\${d%/}" in "$word"*) COMPREPLY+=("\${d%/}") ;; esac
        fi
      done ;;
    esac
  fi
  if [ "$paths" != none ]; then COMPREPLY+=($(compgen -f -- "$word")); fi
}
complete -o filenames -F _compacter compacter`
