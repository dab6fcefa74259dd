import { BAD_USAGE, UserError } from './error.js'
import { synonymOf } from './experiment/synonyms.js'
import { nearest } from './nearest.js'

class UnknownFlag extends UserError {
  override readonly exitCode = BAD_USAGE
}

/** A command as oclif's manifest has it. */
interface KnownCommand {
  /** `sweep:run`. */
  id: string
  flags: Record<string, { hidden?: boolean; allowNo?: boolean }>
}

/** Flags of other tools that are no keys of an experiment, and ours. */
const SYNONYMS: Record<string, string> = { output_dir: 'run-dir', resume_from_checkpoint: 'resume', device: 'engine' }

/** Short forms of `--set`, by key. */
const SHORT: Record<string, string> = {
  'training.learning_rate': 'lr',
  'training.steps': 'steps',
  'training.epochs': 'epochs',
  'training.batch_size': 'batch-size',
  'training.seed': 'seed',
}

/** Says which flags of the command on the line were probably meant by those that it does not have. */
export function unknownFlag(unknown: readonly string[], line: readonly string[], commands: KnownCommand[]): UserError {
  const command = commands
    .filter(({ id }) => id.split(':').every((word, i) => line[i] === word))
    .sort((a, b) => b.id.length - a.id.length)[0]
  const name = command ? `compacter ${command.id.replaceAll(':', ' ')}` : 'compacter'
  const known = command ? flagNames(command) : []
  const told = unknown.map((flag) => meant(flag, known))
  const remedy = [...told.filter(Boolean), ...(told.includes(undefined) ? [`All flags: ${name} --help.`] : [])]
  return new UnknownFlag({
    at: name,
    problem: unknown.length === 1 ? `there is no flag ${unknown[0]}.` : `there are no flags ${unknown.join(', ')}.`,
    remedy: remedy.join(' '),
  })
}

function flagNames({ flags }: KnownCommand): string[] {
  const shown = Object.entries(flags).filter(([, { hidden }]) => !hidden)
  return ['help', ...shown.flatMap(([name, { allowNo }]) => (allowNo ? [name, `no-${name}`] : [name]))]
}

function meant(flag: string, known: readonly string[]): string | undefined {
  const name = flag.replace(/^-+/, '').split('=')[0]!
  const synonym = synonymOf(name)
  const key = synonym?.key ?? `training.${name.replaceAll('-', '_')}`
  const own = SHORT[key] ?? SYNONYMS[name.replaceAll('-', '_')]
  if (own !== undefined && known.includes(own)) return `Did you mean --${own}?`
  if (synonym && known.includes('set')) return [`Did you mean --set ${key}=…?`, synonym.note].filter(Boolean).join(' ')
  const near = nearest(name, known)
  return near && `Did you mean --${near}?`
}
