import { expect, test } from 'vitest'
import type { Progress } from '../../src/base/progress.js'
import { Board } from '../../src/sweep/run/progress.js'

/** The marks that a terminal would set, in order: phases, and how each came to its end. */
function heard(): { marks: string[]; progress: Progress } {
  const marks: string[] = []
  const push = (kind: string) => (text?: string) => void marks.push(text === undefined ? kind : `${kind} ${text}`)
  const progress = { phase: push('phase'), update() {}, note: push('note'), warn: push('warn') }
  return { marks, progress: { ...progress, end: push('done'), stop: push('stopped') } }
}

const finished = { text: 'a: 70.00', warning: false, finished: true }
const stopped = { text: 'b: stopped and saved', warning: false, finished: false }

test('a cell that was stopped or failed is not reported as done', () => {
  const { marks, progress } = heard()
  const board = new Board(progress, 1)
  board.begin('a', '1 of 2 a')
  board.ended('a', finished)
  board.begin('b', '2 of 2 b')
  board.ended('b', stopped)
  board.close()
  expect(marks).toEqual([
    ...['phase 1 of 2 a', 'note a: 70.00', 'phase 2 of 2 b'],
    ...['stopped', 'note b: stopped and saved', 'stopped'],
  ])
})

test('cells at once are done only where every one of them is', () => {
  for (const [endings, mark] of [
    [[finished, finished], 'done'],
    [[finished, stopped], 'stopped'],
  ] as const) {
    const { marks, progress } = heard()
    const board = new Board(progress, 2)
    for (const cell of ['a', 'b']) board.begin(cell, cell)
    for (const [i, ending] of endings.entries()) board.ended(['a', 'b'][i]!, ending)
    board.close()
    expect(marks.at(-1)).toBe(mark)
  }
})

test('a warning names its cell, and is given once for those that differ in the name only', () => {
  const { marks, progress } = heard()
  const board = new Board(progress, 2)
  for (const cell of ['a1', 'a2']) board.said(cell, 'warn', `The rows of ${cell} are few.`)
  board.said('a2', 'warn', 'Nothing has moved.')
  expect(marks.slice(1)).toEqual(['warn a1: The rows of a1 are few.', 'warn a2: Nothing has moved.'])
})
