import { ExperimentError } from '../../base/error.js'

/** Two of several methods have tensors of their own with one name. */
export class SameTensor extends ExperimentError {
  /** The number of the second method in the list. */
  readonly part: number

  constructor(name: string, first: number, second: number) {
    super({
      problem: `method.${first} and method.${second} both have a tensor ${name}.`,
      remedy: 'Give them other places: targets, sublayers or layers; or keep one of the two.',
    })
    this.part = second
  }
}
