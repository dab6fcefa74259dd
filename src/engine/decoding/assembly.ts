import { TYPES } from '../graph/tensor.js'
import { attribute, type Node, node, producer } from './node.js'

const INT = TYPES.int32
/** The end of the names of variables' values. */
export const READ = '/read'

const isVariable = ({ op }: Node): boolean => op === 'VarHandleOp' || op === 'ReadVariableOp'

/** Returns the variable that an operation reads, if any. */
export const readsOf = ({ op, name }: Node): string[] => (op === 'ReadVariableOp' ? [name.slice(0, -READ.length)] : [])

/**
 * Returns a piece's operations under a prefix, without its variables and placeholders; `outside` names what replaces an
 * input that is not the piece's own. The piece's constants run after `after`.
 */
export function placed(
  piece: Node[],
  prefix: string,
  outside: (name: string) => string | undefined,
  after?: string,
): Node[] {
  const named = (input: string): string => outside(input) ?? (input.endsWith(READ) ? input : `${prefix}/${input}`)
  const renamed = (input: string): string =>
    input.startsWith('^') ? `^${producer(named(producer(input)))}` : named(input)
  return piece
    .filter((node) => !isVariable(node) && node.op !== 'Placeholder')
    .map((node) => {
      const moved = { ...node, name: `${prefix}/${node.name}`, inputs: node.inputs.map(renamed) }
      return after && node.op === 'Const' ? within(moved, after) : moved
    })
}

export const within = (node: Node, after: string): Node => ({ ...node, inputs: [...node.inputs, after] })

export const identity = (name: string, input: string, type: number): Node =>
  node('Identity', name, [input], { T: attribute.type(type) })

export const constant = (name: string, type: number, value: Uint8Array): Node =>
  node('Const', name, [], { dtype: attribute.type(type), value })

export const shapeOf = (name: string, input: string, type: number): Node =>
  node('Shape', name, [input], { T: attribute.type(type), out_type: attribute.type(INT) })

export const unpack = (name: string, input: string, num: number): Node =>
  node('Unpack', name, [input], { T: attribute.type(INT), num: attribute.int(num), axis: attribute.int(0) })

export const pack = (name: string, inputs: string[]): Node =>
  node('Pack', name, inputs, { T: attribute.type(INT), N: attribute.int(inputs.length), axis: attribute.int(0) })

export const fill = (name: string, shape: string, value: string, type: number): Node =>
  node('Fill', name, [shape, value], { T: attribute.type(type), index_type: attribute.type(INT) })
