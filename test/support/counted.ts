import { type ParameterRow, parameterRows } from '../../src/count/parameters.js'
import { type Selection, select } from '../../src/count/selection.js'

/** What `params report` counts: a row for each backbone and method; for eight tasks unless told otherwise. */
export const counted = async (
  selection: Selection,
  tasks = 8,
  by?: 'tensor' | 'layer' | 'kind',
): Promise<ParameterRow[]> => parameterRows(await select(selection), tasks, by)
