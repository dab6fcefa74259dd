import { aroundGradients } from './tape.js'

/**
 * Names a graph's operations by their part of the model and their type: `encoder.3.attention/Add_2`, and in its
 * gradient `gradient/encoder.3.attention/Sum_0`. Each part has its own counter, so a change in one part renames nothing
 * else.
 */
export class NodeNames {
  #part = ''
  #inGradient = false
  readonly #counts = new Map<string, number>()

  next(type: string): string {
    const name = `${this.#inGradient ? 'gradient/' : ''}${this.#part}${type}`
    const count = this.#counts.get(name) ?? 0
    this.#counts.set(name, count + 1)
    return `${name}_${count}`
  }

  /**
   * Names the operations of `body` by a part, and those that tfjs adds later for their gradient. The innermost part
   * counts.
   */
  at<T>(part: string, body: () => T): T {
    return aroundGradients(
      () => this.#in(part, this.#inGradient, body),
      () => (compute) => this.#in(part, true, compute),
    )
  }

  #in<T>(part: string, inGradient: boolean, body: () => T): T {
    const [outer, outerGradient] = [this.#part, this.#inGradient]
    this.#part = `${part}/`
    this.#inGradient = inGradient
    try {
      return body()
    } finally {
      this.#part = outer
      this.#inGradient = outerGradient
    }
  }
}
