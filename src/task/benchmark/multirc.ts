import { column, labelId, RowProblem, textOf, type Values } from './benchmark.js'

interface OfficialPassage {
  text: string
  questions: { idx: number; question: string; answers: { idx: number; text: string; label?: number }[] }[]
}

/** Turns a passage with its questions and answers into the hub's rows, one for each answer. */
export function flattenMultirc(values: Values): Values[] {
  const { text, questions } = column(values, 'passage') as OfficialPassage
  if (!Array.isArray(questions)) throw new RowProblem("column 'passage' has no questions.")
  return questions.flatMap(({ question, idx, answers }) =>
    answers.map((answer) => ({
      paragraph: text,
      question,
      answer: answer.text,
      idx: { paragraph: values.idx, question: idx, answer: answer.idx },
      label: answer.label ?? -1,
    })),
  )
}

/** Removes markup from the texts and adds `question_id`, which is the same for all answers to a question. */
export function finishMultirc(values: Values): Values {
  const { paragraph, question } = column(values, 'idx') as { paragraph: number; question: number }
  return {
    paragraph: withoutMarkup(textOf(values, 'paragraph')),
    question: withoutMarkup(textOf(values, 'question')),
    answer: withoutMarkup(textOf(values, 'answer')),
    question_id: `${paragraph}-${question}`,
    label: labelId(column(values, 'label'), ['False', 'True']),
  }
}

/** Removes the bold sentence numbers and the line breaks of MultiRC's first release. */
function withoutMarkup(text: string): string {
  return text.replaceAll('<br>', ' ').replace(/<\/?b>/g, '')
}
