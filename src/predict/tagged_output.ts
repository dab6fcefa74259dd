import type { TrainedRun } from '../run/trained_run.js'
import { type Entity, entitiesOf, unfitTag } from '../task/metrics/entities.js'
import type { ConllColumns } from '../task/words/conll.js'
import { tagsIn } from '../task/words/tagged.js'
import type { Answer, Outcome, Output } from './output.js'
import type { RowWriter } from './writer.js'

type Runs = readonly Pick<TrainedRun, 'experiment'>[]

/** Whether every run answers with tags. */
export const allTag = (runs: Runs): boolean =>
  runs.every(({ experiment }) => experiment.task.kind === 'token_classification')

/** The columns of a file to predict that has CoNLL's, or words alone; undefined where the runs do not tag. */
export function columnsToPredict([run]: Runs): ConllColumns | undefined {
  const { task } = run!.experiment
  if (task.kind !== 'token_classification') return undefined
  const { words, tags, columns } = task
  return { words, tags, columns: columns?.[0] === words ? undefined : columns }
}

/** An answer of tags as JSON: the words, their tags with probabilities, and entities with their words. */
export function shownTags({ text, wordScores = [] }: Answer, words: readonly string[]) {
  const tags = tagsIn(text)
  const withWords = ({ type, start, end }: Entity) => ({ type, words: words.slice(start, end), start, end })
  return {
    tokens: words,
    prediction: tags,
    probabilities: wordScores.map((score) => (score === null ? null : Math.exp(score))),
    ...(unfitTag(['f1'], tags) === undefined && { entities: entitiesOf(tags).map(withWords) }),
  }
}

/**
 * Writes a line for each word, with a tab between it and each run's tag, and a blank line after each row. A row without
 * a prediction is left out.
 */
export const conllWriter = (output: Output): RowWriter => ({
  write: (_, outcomes) => output.write(outcomes.map(sentence).join('')),
  async end() {},
  close() {},
})

function sentence(outcome: Outcome): string {
  if ('problem' in outcome) return ''
  const tags = outcome.predictions.map(({ text }) => tagsIn(text))
  const lines = outcome.predictions[0]!.words!.map((word, i) => [word, ...tags.map((own) => own[i])].join('\t'))
  return `${lines.join('\n')}\n\n`
}
