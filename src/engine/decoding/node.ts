import { elements } from '../../base/safetensors/safetensors.js'
import { delimited, fields, integer, joined, packed } from '../graph/protobuf.js'
import { type Dtype, TYPES } from '../graph/tensor.js'

/** TensorFlow's DataType of texts; no variable of a graph has it. */
export const STRING = 7

/** An operation of a graph (NodeDef); each attribute is a serialised AttrValue. */
export interface Node {
  name: string
  op: string
  /** `name`, `name:output`, or `^name` for an operation that only has to run before. */
  inputs: string[]
  attributes: Map<string, Uint8Array>
}

/** Operations, and the version of TensorFlow that defines their meaning (GraphDef). */
export interface NodeGraph {
  nodes: Node[]
  versions: Uint8Array
}

/** GraphDef: node = 1, versions = 4. */
export function readGraph(definition: Uint8Array): NodeGraph {
  const nodes: Node[] = []
  let versions: Uint8Array = new Uint8Array()
  for (const [number, value] of fields(definition)) {
    if (number === 1) nodes.push(readNode(value as Uint8Array))
    else if (number === 4) versions = value as Uint8Array
  }
  return { nodes, versions }
}

export const writeGraph = ({ nodes, versions }: NodeGraph): Uint8Array =>
  joined([...nodes.map((node) => delimited(1, writeNode(node))), delimited(4, versions)])

/** NodeDef: name = 1, op = 2, input = 3, attr = 5 of entries key = 1, value = 2. */
function readNode(bytes: Uint8Array): Node {
  const node: Node = { name: '', op: '', inputs: [], attributes: new Map() }
  for (const [number, value] of fields(bytes)) {
    if (number === 1) node.name = text(value)
    else if (number === 2) node.op = text(value)
    else if (number === 3) node.inputs.push(text(value))
    else if (number === 5) {
      const entry = new Map(fields(value as Uint8Array))
      node.attributes.set(text(entry.get(1)!), (entry.get(2) ?? new Uint8Array()) as Uint8Array)
    }
  }
  return node
}

const writeNode = ({ name, op, inputs, attributes }: Node): Uint8Array[] => [
  delimited(1, name),
  delimited(2, op),
  ...inputs.map((input) => delimited(3, input)),
  ...[...attributes].sort(byKey).map(([key, value]) => delimited(5, [delimited(1, key), delimited(2, value)])),
]

/**
 * Sorts attributes: TensorFlow returns them in an order that differs from process to process, and the same model must
 * give the same file.
 */
const byKey = ([a]: [string, unknown], [b]: [string, unknown]) => (a < b ? -1 : 1)

const text = (value: bigint | Uint8Array): string => Buffer.from(value as Uint8Array).toString()

export const node = (
  op: string,
  name: string,
  inputs: string[] = [],
  attributes: Record<string, Uint8Array> = {},
): Node => ({ op, name, inputs, attributes: new Map(Object.entries(attributes)) })

/** The operation behind an input: `name` of `name`, `name:1` and `^name`. */
export const producer = (input: string): string => input.replace(/^\^|:\d+$/g, '')

/** AttrValue: list = 1, s = 2, i = 3, b = 5, type = 6, shape = 7, tensor = 8. */
export const attribute = {
  text: (value: string) => delimited(2, value),
  int: (value: number) => integer(3, value),
  bool: (value: boolean) => integer(5, value),
  type: (type: number) => integer(6, type),
  types: (types: number[]) =>
    delimited(
      1,
      types.map((type) => integer(6, type)),
    ),
  /** A free dimension is −1. */
  shape: (dimensions: number[]) => delimited(7, shape(dimensions)),
  ints: (values: Int32Array, dimensions: number[]) =>
    delimited(8, [
      integer(1, TYPES.int32),
      delimited(2, shape(dimensions)),
      delimited(4, Buffer.from(values.buffer, values.byteOffset, values.byteLength)),
    ]),
  floats: (values: Float32Array, dimensions: number[]) =>
    delimited(8, [
      integer(1, TYPES.float32),
      delimited(2, shape(dimensions)),
      delimited(4, Buffer.from(values.buffer, values.byteOffset, values.byteLength)),
    ]),
  texts: (values: string[], dimensions: number[]) =>
    delimited(8, [integer(1, STRING), delimited(2, shape(dimensions)), ...values.map((value) => delimited(8, value))]),
  truth: (value: boolean) =>
    delimited(8, [integer(1, TYPES.bool), delimited(2, []), delimited(11, [Uint8Array.of(Number(value))])]),
}

/** TensorShapeProto: dim = 2 of size = 1. */
const shape = (dimensions: number[]): Uint8Array[] => dimensions.map((size) => delimited(2, integer(1, size)))

/** A constant of whole numbers. */
export const ints = (name: string, values: ArrayLike<number>, dimensions: number[] = [values.length]): Node =>
  node('Const', name, [], {
    dtype: attribute.type(TYPES.int32),
    value: attribute.ints(Int32Array.from(values), dimensions),
  })

/** A constant of float32. */
export const floats = (name: string, values: ArrayLike<number>, dimensions: number[] = [values.length]): Node =>
  node('Const', name, [], {
    dtype: attribute.type(TYPES.float32),
    value: attribute.floats(Float32Array.from(values), dimensions),
  })

/** A variable of that shape, and its value as `NAME/read`. */
export const variableNodes = (name: string, shape: number[], sharedName = name, type: Dtype = 'float32'): Node[] => [
  node('VarHandleOp', name, [], {
    dtype: attribute.type(TYPES[type]),
    shape: attribute.shape(shape),
    shared_name: attribute.text(sharedName),
    container: attribute.text(''),
  }),
  node('ReadVariableOp', `${name}/read`, [name], { dtype: attribute.type(TYPES[type]) }),
]

/** Returns the dimensions in an attribute of the type shape. */
export const readShape = (value: Uint8Array): number[] => dimensions(new Map(fields(value)).get(7) as Uint8Array)

const dimensions = (shape: Uint8Array): number[] =>
  [...fields(shape)].map(([, dim]) =>
    Number(BigInt.asIntN(64, (new Map(fields(dim as Uint8Array)).get(1) ?? 0n) as bigint)),
  )

/** Returns an int32 tensor in an attribute; undefined where it holds another type. */
export function readInts(value: Uint8Array): { shape: number[]; values: Int32Array } | undefined {
  const { type, shape, content, repeated } = readTensor(value, 7)
  if (type !== TYPES.int32) return undefined
  const values = new Int32Array(elements(shape))
  if (content) values.set(new Int32Array(content.buffer))
  else fillWithLast(values, packed(repeated))
  return { shape, values }
}

/** As `readInts`, for float32. */
export function readFloats(value: Uint8Array): { shape: number[]; values: Float32Array } | undefined {
  const { type, shape, content, repeated } = readTensor(value, 5)
  if (type !== TYPES.float32) return undefined
  const values = new Float32Array(elements(shape))
  if (content) values.set(new Float32Array(content.buffer))
  else fillWithLast(values, [...new Float32Array(repeated.buffer)])
  return { shape, values }
}

/** TensorProto: dtype = 1, shape = 2, content = 4; without content the values are in the `values`-th field. */
function readTensor(value: Uint8Array, values: number) {
  const tensor = new Map(fields(new Map(fields(value)).get(8) as Uint8Array))
  const bytes = (field: number) => tensor.get(field) as Uint8Array | undefined
  const content = bytes(4)
  return {
    type: Number(tensor.get(1)),
    shape: dimensions(bytes(2) ?? new Uint8Array()),
    content: content && Uint8Array.from(content),
    repeated: Uint8Array.from(bytes(values) ?? new Uint8Array()),
  }
}

/** Repeats the last value, which TensorProto leaves out, as it does zeros. */
function fillWithLast(values: Int32Array | Float32Array, known: number[]): void {
  for (let i = 0; i < values.length; i++) values[i] = known[Math.min(i, known.length - 1)] ?? 0
}
