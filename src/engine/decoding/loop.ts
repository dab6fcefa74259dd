import { attribute, type Node, node } from './node.js'

/** A value that a loop carries from turn to turn. */
export interface LoopVariable {
  name: string
  /** TensorFlow's number of its type. */
  type: number
  /** The output that it starts with. */
  start: string
}

/**
 * A while loop in TensorFlow's own control flow, which every version and TensorFlow Serving run: Enter → Merge → Switch
 * → body → NextIteration, all in one frame. `nodes` grows as it is described.
 */
export class Loop {
  readonly nodes: Node[] = []
  readonly #frame: string
  readonly #variables: LoopVariable[]
  readonly #entered = new Set<string>()

  constructor(frame: string, variables: LoopVariable[]) {
    this.#frame = frame
    this.#variables = variables
    for (const { name, type, start } of variables) {
      const T = attribute.type(type)
      this.nodes.push(
        this.#enter(`${frame}/${name}/start`, type, start, false),
        node('Merge', this.merged(name), [`${frame}/${name}/start`, `${frame}/${name}/next`], {
          T,
          N: attribute.int(2),
        }),
        node('Switch', `${frame}/${name}/switch`, [this.merged(name), `${frame}/goes_on`], { T }),
        node('Identity', this.current(name), [`${frame}/${name}/switch:1`], { T }),
        node('Exit', this.last(name), [`${frame}/${name}/switch`], { T }),
      )
    }
  }

  /** Returns a variable as the condition sees it. */
  merged = (name: string): string => `${this.#frame}/${name}/merged`
  /** Returns a variable as the body sees it. */
  current = (name: string): string => `${this.#frame}/${name}/current`
  /** Returns a variable after the loop. */
  last = (name: string): string => `${this.#frame}/${name}/last`

  /** The operation after which operations without inputs have to run to be in the condition. */
  get inCondition(): string {
    return `^${this.merged(this.#variables[0]!.name)}`
  }

  /** The operation after which operations without inputs have to run to be in the body. */
  get inBody(): string {
    return `^${this.current(this.#variables[0]!.name)}`
  }

  /** Returns the name inside the loop of an outside output that stays the same. */
  invariant(output: string, type: number): string {
    const name = `${this.#frame}/outside/${output.replace(':', '_')}`
    if (!this.#entered.has(name)) this.nodes.push(this.#enter(name, type, output, true))
    this.#entered.add(name)
    return name
  }

  /** Continues the loop while this output, a boolean, is true. */
  while(output: string): void {
    this.nodes.push(node('LoopCond', `${this.#frame}/goes_on`, [output]))
  }

  /** Sets the body's new value of a variable. */
  next(name: string, output: string): void {
    const { type } = this.#variables.find((variable) => variable.name === name)!
    this.nodes.push(node('NextIteration', `${this.#frame}/${name}/next`, [output], { T: attribute.type(type) }))
  }

  #enter(name: string, type: number, input: string, constant: boolean): Node {
    return node('Enter', name, [input], {
      T: attribute.type(type),
      frame_name: attribute.text(this.#frame),
      is_constant: attribute.bool(constant),
      parallel_iterations: attribute.int(1),
    })
  }
}
