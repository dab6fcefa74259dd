import { commandLine } from '../base/command_line.js'
import { BAD_USAGE, UserError } from '../base/error.js'
import { nearest } from '../base/text/nearest.js'
import { synonymOf } from '../experiment/synonyms.js'
import { keysOfSet } from './keys.js'

class UnknownFlag extends UserError {
  override readonly exitCode = BAD_USAGE
}

/** A command as in oclif's manifest. */
interface KnownCommand {
  /** A name such as `sweep:run`. */
  id: string
  flags: Record<string, { hidden?: boolean; allowNo?: boolean; helpValue?: string | string[] }>
}

/** Flags of other tools that are not keys of an experiment, and our flags for them. */
const SYNONYMS: Record<string, string> = {
  output_dir: 'run-dir',
  resume_from_checkpoint: 'resume',
  device: 'engine',
  num_beams: 'beams',
  beam_size: 'beams',
  data: 'task',
  dataset: 'task',
  test_file: 'task',
  out: 'output',
  output: 'out',
}

/** Short forms of `--set`, by key. */
const SHORT: Record<string, string> = {
  'training.learning_rate': 'lr',
  'training.steps': 'steps',
  'training.epochs': 'epochs',
  'training.batch_size': 'batch-size',
  'training.seed': 'seed',
}

/** Says which flags of the command on the line were probably meant by the unknown ones. */
export function unknownFlag(unknown: readonly string[], line: readonly string[], commands: KnownCommand[]): UserError {
  const command = commands
    .filter(({ id }) => id.split(':').every((word, i) => line[i] === word))
    .sort((a, b) => b.id.length - a.id.length)[0]
  const words = command ? command.id.split(':') : []
  const known = command ? flagNames(command) : []
  const keys = command && Object.hasOwn(command.flags, 'set') ? keysOfSet(command.flags.set!.helpValue) : []
  const told = unknown.map((flag) => meant(flag, known, keys))
  const remedy = [
    ...told.filter(Boolean),
    ...(told.includes(undefined) ? [`All flags: ${commandLine([...words, '--help'].join(' '))}.`] : []),
  ]
  return new UnknownFlag({
    at: ['compacter', ...words].join(' '),
    problem: unknown.length === 1 ? `there is no flag ${unknown[0]}.` : `there are no flags ${unknown.join(', ')}.`,
    remedy: remedy.join(' '),
  })
}

function flagNames({ flags }: KnownCommand): string[] {
  const shown = Object.entries(flags).filter(([, { hidden }]) => !hidden)
  return ['help', ...shown.flatMap(([name, { allowNo }]) => (allowNo ? [name, `no-${name}`] : [name]))]
}

/** Returns the flag or key that was meant: by another tool's name, by its own, or a similar one. */
function meant(flag: string, known: readonly string[], keys: readonly string[]): string | undefined {
  const name = flag.replace(/^-+/, '').split('=')[0]!.toLowerCase().replaceAll('-', '_')
  const synonym = synonymOf(name)
  const named = synonym && 'key' in synonym ? synonym : undefined
  const key = named?.key ?? keyNamed(name, keys)
  const own = (key !== undefined && SHORT[key]) || SYNONYMS[name]
  if (own && known.includes(own)) return `Did you mean --${own}?`
  if (key !== undefined && keys.includes(key))
    return [`Did you mean --set ${key}=…?`, named?.note].filter(Boolean).join(' ')
  const near = nearest(name.replaceAll('_', '-'), known)
  return near && `Did you mean --${near}?`
}

/** Returns the key of that name, the one of `training` if several sections have it. */
const keyNamed = (name: string, keys: readonly string[]): string | undefined =>
  [`training.${name}`, name].find((key) => keys.includes(key)) ?? keys.find((key) => key.endsWith(`.${name}`))
