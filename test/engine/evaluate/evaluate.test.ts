import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { answering, perfect, scored } from '../../support/scripted.js'

const folder = mkdtempSync(join(tmpdir(), 'evaluate-'))
afterAll(() => rmSync(folder, { recursive: true }))

const rowsOf = (labels: Record<string, string | number>) =>
  Object.entries(labels).map(([text, label]) => ({ text, label }))

test('macro-F1 and F1 are of all labels that the rows of any split have, also those that this one lacks', async () => {
  const rows = rowsOf({ one: 'yes', two: 'yes', three: 'no', four: 'no' })
  const train = rowsOf({ a: 'yes', b: 'no', c: 'maybe' })
  const decoder = await answering({ one: 'yes', two: 'maybe', three: 'no', four: 'yes' })
  const { scores, invalid } = await scored(folder, decoder, { metrics: ['f1', 'macro_f1'], positive: 'no' }, rows, {
    train,
  })
  // yes: 2·1 / (2 + 2); no: 2·1 / (1 + 2), "maybe" on a row of yes is no "no"; maybe: 0 of 1 output
  expect(scores.f1).toBeCloseTo(200 / 3, 9)
  expect(scores.macro_f1).toBeCloseTo((50 + 200 / 3 + 0) / 3, 9)
  expect(invalid).toBe(0) // 'maybe' is a label, though no row of this split has it
})

test('a regression is scored against the column, not against targets in steps', async () => {
  const rows = rowsOf({ one: 0.91, two: 1.09, three: 2.4, four: 3 })
  const decoder = await answering({ one: '1.0', two: '1.0', three: '2.4', four: '3.0' })
  const { scores } = await scored(folder, decoder, { kind: 'regression' }, rows)
  // scipy.stats.pearsonr([0.91, 1.09, 2.4, 3], [1, 1, 2.4, 3]) and spearmanr: below 1, which they would be of the
  // targets
  expect(scores.pearson).toBeCloseTo(99.737196, 6)
  expect(scores.spearman).toBeCloseTo(94.8683298, 6)
})

test('outputs that are not possible answers are noted, with what they count as', async () => {
  const decoder = await answering({ one: 'x', two: 'x', three: '2.4' })
  const numbers = await scored(folder, decoder, { kind: 'regression' }, rowsOf({ one: 1, two: 2, three: 2.4 }))
  expect(numbers.notes).toEqual([
    expect.stringMatching(/: 2 of 3 outputs, such as "x", are not numbers and count as −1\.$/),
  ])
  const choices = ['x y', 'z']
  const rows = ['one', 'two', 'three'].map((text) => ({ text, label: 0, choices }))
  const task = { kind: 'multiple_choice', choices: 'choices' }
  const chosen = await scored(folder, await answering({ one: 'x', two: 'x y', three: 'z' }), task, rows)
  expect(chosen.notes).toEqual([
    expect.stringMatching(/: 1 of 3 outputs, such as "x", are not one of their row's choices and count as wrong\.$/),
  ])
})

describe('a model that puts out exactly what it is taught scores 100', () => {
  const odd = ['not  good', '№ 1', ' the\tdog… ', 'ﬁne', 'ｆａｉｒ', 'plain']

  test('with labels of the rows and labels that the task names', async () => {
    const rows = odd.map((label, i) => ({ text: `row ${i}`, label }))
    const metrics = ['accuracy', 'f1', 'macro_f1', 'matthews']
    const found = await scored(folder, perfect, { metrics, positive: '№ 1' }, rows)
    expect(found.scores).toEqual({ accuracy: 100, f1: 100, macro_f1: 100, matthews: 100 })
    expect(found).toMatchObject({ invalid: 0, notes: [] })
    expect(found.predictions.map(({ text }) => text)).toEqual(found.examples.map(({ target }) => target))
    const labels = Object.fromEntries(odd.map((text, i) => [i, text]))
    const numbered = odd.map((_, label) => ({ text: `row ${label}`, label }))
    const named = await scored(folder, perfect, { metrics, labels, positive: '1' }, numbered)
    expect(named.scores).toEqual(found.scores)
    expect(named).toMatchObject({ invalid: 0, notes: [] })
  })

  test('with choices, the longest of which no training row asks for', async () => {
    const choices = [...odd, 'a very long choice of which nobody has ever thought before']
    const rows = [6, 0, 1, 2, 3, 4, 5].map((label, i) => ({ text: `row ${i}`, label, choices }))
    const task = { kind: 'multiple_choice', choices: 'choices' }
    const { scores, invalid, notes } = await scored(folder, perfect, task, rows, { train: rows.slice(1) })
    expect(scores).toEqual({ accuracy: 100 })
    expect([invalid, notes]).toEqual([0, []])
  })

  test('with free text, by every metric, and one of several answers', async () => {
    const rows = odd.map((target, i) => ({ text: `row ${i}`, target, answers: ['other', target] }))
    const task = { kind: 'text', metrics: ['accuracy', 'exact_match', 'token_f1', 'rouge_l'] }
    const all = { accuracy: 100, exact_match: 100, token_f1: 100, rouge_l: 100 }
    expect(await scored(folder, perfect, task, rows)).toMatchObject({ scores: all, notes: [] })
    expect(await scored(folder, perfect, { ...task, answers: 'answers' }, rows)).toMatchObject({
      scores: all,
      notes: [],
    })
  })

  test('with numbers of any step', async () => {
    const rows = [-3, 0.25, 1.5, 100].map((label, i) => ({ text: `row ${i}`, label }))
    const { scores, invalid } = await scored(folder, perfect, { kind: 'regression', step: 0.05 }, rows)
    expect([scores.pearson, scores.spearman]).toEqual([expect.closeTo(100, 9), expect.closeTo(100, 9)])
    expect(invalid).toBe(0)
  })
})

describe('labels that can never be put out are refused before any step', () => {
  const rows = [0, 1, 0, 1].map((label, i) => ({ text: `row ${i}`, label }))
  const refused = async (task: Record<string, unknown>, lines: object[] = rows, training = {}) => {
    const error = await scored(folder, perfect, task, lines, { training }).catch((error) => error)
    expect(error).toBeInstanceOf(Error)
    return (error as Error).message.replaceAll(folder, 'DIR')
  }

  test.each([
    [
      'négatif',
      'positif',
      "task.labels.0: in task.labels, the label 'négatif' comes back from the backbone's tokenizer as 'ngatif', without é",
    ],
    [
      '{neg}',
      '{pos}',
      "task.labels.0: in task.labels, the label '{neg}' comes back from the backbone's tokenizer as 'neg', without { }",
    ],
    [
      'half',
      '½',
      "task.labels.1: in task.labels, the label '½' comes back from the backbone's tokenizer as '12', without ⁄",
    ],
    [
      'bad',
      '<extra_id_0> good',
      "task.labels.1: in task.labels, the label '<extra_id_0> good' comes back from the backbone's tokenizer as 'good', without <extra_id_0>",
    ],
    ['否', '是', "task.labels.1: in task.labels, the labels '否' and '是' are the same to the backbone's tokenizer"],
    [
      'good',
      'good ',
      "task.labels.1: in task.labels, the labels 'good' and 'good ' are the same to the backbone's tokenizer",
    ],
  ])('%s and %s', async (zero, one, message) => {
    expect(await refused({ labels: { 0: zero, 1: one } })).toContain(message)
  })

  test('those of the rows at the column that has them, with what to do', async () => {
    const marks = ['☺', '☹'].map((label, i) => ({ text: `row ${i}`, label }))
    expect(await refused({}, marks)).toBe(
      "task.label: in the column 'label', the labels '☺' and '☹' are the same to the backbone's tokenizer, which writes both as ''. Let them differ in characters that it can write. task.labels can name other texts.",
    )
  })

  test('those that training.target_length cuts', async () => {
    const labels = { 0: 'very good film', 1: 'very good day' }
    expect(await refused({ labels }, rows, { target_length: 3 })).toContain(
      "training.target_length: training.target_length is 3, which cuts the labels 'very good film' and 'very good day'",
    )
    expect(await refused({ labels }, rows, { target_length: 2 })).toContain('Set it to 4 or more.')
    const numbers = [0.2, 4.6].map((label, i) => ({ text: `row ${i}`, label }))
    expect(await refused({ kind: 'regression' }, numbers, { target_length: 2 })).toContain(
      "the target '0.2' has 4 tokens",
    )
  })

  test('choices of a row, by its line', async () => {
    const task = { kind: 'multiple_choice', choices: ['a', 'b'] }
    const row = (a: string, b: string) => ({ text: 'row', a, b, label: 0 })
    const lines = [row('cat', 'dog'), row('the  dog…', 'the dog...'), row('cat', '{dog}'), row('cat', 'cat ')]
    expect(await refused(task, lines)).toBe("DIR/train.jsonl:4: the choice 'cat' occurs twice.")
    expect(await refused(task, lines.slice(0, 3))).toBe(
      `DIR/train.jsonl:2: the choices 'the  dog…' and 'the dog...' are the same to the backbone's tokenizer, which writes both as 'the dog...'. Let them differ in characters that it can write.
DIR/train.jsonl:3: the choice '{dog}' comes back from the backbone's tokenizer as 'dog', without { }: no output is ever equal to it. Choose another text, or use training.scoring: rank.`,
    )
    const skipped = await scored(folder, perfect, { ...task, on_bad_row: 'skip' }, [lines[0]!, lines[3]!])
    expect(skipped.notes[0]).toContain("train.jsonl:2: the choice 'cat' occurs twice.")
  })
})

test('free text that the tokenizer cannot write is wrong, and the number of such rows is reported', async () => {
  const rows = ['a cat', 'the  dog… {x}', '½ pint', 'a long day'].map((target, i) => ({ text: `row ${i}`, target }))
  const train = [{ text: 'row', target: 'a target of more words than any other' }]
  const task = { kind: 'text', metrics: ['accuracy', 'token_f1'] }
  const { scores, notes } = await scored(folder, perfect, task, rows, { train })
  expect(scores.accuracy).toBe(50)
  expect(scores.token_f1).toBe((100 + 100 + 50 + 100) / 4) // braces are punctuation; of '12 pint' for '1⁄2 pint' half is right
  const told = (split: string) =>
    `${folder}/${split}.jsonl: 2 of 4 rows have a target that the backbone's tokenizer cannot write (row 2 loses { }): no output is exactly right there.`
  expect(notes).toEqual([told('validation'), told('test')])
})
