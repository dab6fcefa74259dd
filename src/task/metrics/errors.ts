import { toNumber } from './correlation.js'

/** The value of a regression's output that is not a number (STS-B's numbers are 0 to 5). */
const NOT_A_NUMBER = -1

/** Returns the number that an output counts as in a score. */
export const numberOf = (output: string): number => toNumber(output) ?? NOT_A_NUMBER

/** Returns the mean absolute error, 0 without any, from errors (output minus target) in the units of the labels. */
export const meanAbsoluteError = (errors: readonly number[]): number => mean(errors.map(Math.abs))

/** Returns the root of the mean squared error, 0 without any, from the same errors. */
export const rootMeanSquaredError = (errors: readonly number[]): number =>
  Math.sqrt(mean(errors.map((error) => error ** 2)))

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
