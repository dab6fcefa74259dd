import type { Objective } from '../../objective/objective.js'
import type { Example } from '../example.js'
import type { CutRows } from './tokenise.js'

/** A row as text: what a reader needs of an example. */
export type TextRow = Pick<Example, 'source' | 'second' | 'target' | 'choices' | 'words'> &
  Partial<Pick<Example, 'label'>>

/** Turns rows of text into the ids that an objective reads. */
export interface RowReader {
  objective: Objective
  /** What decides the ids besides texts and tokenizer: anything that JSON can write. */
  key: unknown
  /** No id is as large; targets may hold others. */
  vocabulary: number
  /** Returns the text of a target, from its ids. */
  text(target: Int32Array): string
  /** Returns the ids of rows, in the rows' order. */
  read(rows: readonly TextRow[]): Promise<CutRows>
}
