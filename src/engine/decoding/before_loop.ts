import { TYPES } from '../graph/tensor.js'
import { attribute, type Node, producer } from './node.js'

/** A loop's body in two parts, each with the constants and variables that it needs. */
export interface Divided {
  /** What is the same in every turn. */
  before: Node[]
  inside: Node[]
  /** Whether an input of the body is computed before the loop. */
  isBefore(input: string): boolean
}

/**
 * Divides the body of a loop, in the order of its operations: what depends on variables and constants alone, such as a
 * prefix that a network computes or the lengths of DoRA's rows, is computed once, before the loop.
 */
export function divided(body: Node[]): Divided {
  const fixed = new Set<string>()
  const ofVariables = new Set<string>()
  const moved = new Set<string>()
  for (const { name, op, inputs, attributes } of body) {
    const from = inputs.map(producer)
    if (op === 'Placeholder' || !from.every((input) => fixed.has(input))) continue
    const reads = op === 'VarHandleOp' || op === 'ReadVariableOp'
    const computes = !reads && from.some((input) => ofVariables.has(input))
    if (computes && !isFloat(attributes)) continue
    fixed.add(name)
    if (reads || computes) ofVariables.add(name)
    if (computes) moved.add(name)
  }
  const isBefore = (input: string) => moved.has(producer(input))
  return { before: neededFor(moved, body), inside: body.filter(({ name }) => !moved.has(name)), isBefore }
}

/** Returns these operations and all that they depend on, in order. */
function neededFor(moved: Set<string>, body: Node[]): Node[] {
  const needed = new Set(moved)
  for (const { name, inputs } of body.toReversed())
    if (needed.has(name)) for (const input of inputs) needed.add(producer(input))
  return body.filter(({ name }) => needed.has(name))
}

const FLOAT = Buffer.from(attribute.type(TYPES.float32))
const isFloat = (attributes: Node['attributes']) =>
  FLOAT.equals(attributes.get('DstT') ?? attributes.get('T') ?? Buffer.alloc(0))
