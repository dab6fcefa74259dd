import type { Library, Output, Pointer } from './library.js'
import { checked } from './status.js'
import { newTensor, TYPES, type Values } from './tensor.js'

/** An attribute of an operation, by its kind. */
export type Attribute =
  | { type: number }
  | { int: number | number[] }
  | { float: number | number[] }
  | { bool: boolean | boolean[] }
  | { string: string }
  | { shape: number[] }
  | { tensor: Values }

export interface OperationSpec {
  type: string
  name: string
  /** An array among them is a single list input. */
  inputs?: (Output | Output[])[]
  attributes?: Record<string, Attribute>
  /** Operations that must run before this one. */
  after?: Pointer[]
}

/** A TF_Graph. Operations are added one by one and their shapes are inferred, or a serialised graph is imported. */
export class Graph {
  readonly library: Library
  readonly handle: Pointer
  #before: Pointer[] = []

  constructor(library: Library) {
    this.library = library
    this.handle = library.NewGraph!() as Pointer
  }

  /** Adds an operation. @throws UserError with TensorFlow's reason if inputs or attributes do not fit it. */
  add({ type, name, inputs = [], attributes = {}, after = [] }: OperationSpec): Pointer {
    const { library } = this
    const description = library.NewOperation!(this.handle, type, name)
    for (const input of inputs) {
      if (Array.isArray(input)) library.AddInputList!(description, input, input.length)
      else library.AddInput!(description, input)
    }
    for (const operation of [...this.#before, ...after]) library.AddControlInput!(description, operation)
    for (const [key, value] of Object.entries(attributes)) this.#setAttribute(description, key, value)
    return checked(
      library,
      `while adding ${type} ${name} to a graph`,
      (status) => library.FinishOperation!(description, status) as Pointer,
    )
  }

  /** Adds what `body` adds as operations that run after these. */
  after<T>(operations: Pointer[], body: () => T): T {
    const before = this.#before
    this.#before = [...before, ...operations]
    try {
      return body()
    } finally {
      this.#before = before
    }
  }

  /** Returns the first output of an added operation. */
  output(spec: OperationSpec): Output {
    return { oper: this.add(spec), index: 0 }
  }

  find(name: string): Pointer {
    const operation = this.library.GraphOperationByName!(this.handle, name) as Pointer | null
    if (!operation) throw new Error(`the graph has no operation ${name}`)
    return operation
  }

  typeOf(output: Output): number {
    return this.library.OperationOutputType!(output)
  }

  /** Counts the inputs of operations that use this output. */
  consumersOf(output: Output): number {
    return this.library.OperationOutputNumConsumers!(output)
  }

  /** Returns the inferred shape. @throws Error where it is not fully known. */
  shapeOf(output: Output): number[] {
    const { library } = this
    const rank = checked(library, 'to tell a rank', (status) =>
      library.GraphGetTensorNumDims!(this.handle, output, status),
    )
    const shape = new Array<number>(Math.max(0, rank)).fill(0)
    if (rank > 0)
      checked(library, 'to tell a shape', (status) =>
        library.GraphGetTensorShape!(this.handle, output, shape, rank, status),
      )
    const numbers = shape.map(Number)
    if (rank >= 0 && numbers.every((size) => size >= 0)) return numbers
    throw new Error(`the shape of a ${library.OperationOpType!(output.oper)} is not known: [${numbers}]`)
  }

  /** Describes an operation as `MatMul → [2048, 512]`; undefined where it does not exist. */
  describe(name: string): string | undefined {
    const operation = this.library.GraphOperationByName!(this.handle, name) as Pointer | null
    if (!operation) return undefined
    const type = this.library.OperationOpType!(operation) as string
    if (this.library.OperationNumOutputs!(operation) === 0) return type
    return `${type} → [${this.shapeOf({ oper: operation, index: 0 }).join(', ')}]`
  }

  /** Returns the graph as a GraphDef. */
  serialised(): Uint8Array {
    const { library } = this
    const buffer = library.NewBuffer!() as Pointer
    try {
      checked(library, 'to write a graph', (status) => library.GraphToGraphDef!(this.handle, buffer, status))
      return bufferBytes(library, buffer)
    } finally {
      library.DeleteBuffer!(buffer)
    }
  }

  /** Adds the operations of a GraphDef under `prefix/`. */
  import(definition: Uint8Array, prefix: string): void {
    const { library } = this
    const options = library.NewImportGraphDefOptions!() as Pointer
    const buffer = library.NewBufferFromString!(definition, definition.length) as Pointer
    try {
      library.ImportGraphDefOptionsSetPrefix!(options, prefix)
      checked(library, 'to take a graph in', (status) =>
        library.GraphImportGraphDef!(this.handle, buffer, options, status),
      )
    } finally {
      library.DeleteBuffer!(buffer)
      library.DeleteImportGraphDefOptions!(options)
    }
  }

  /** Frees the graph. A session on the graph has to be freed first. */
  free(): void {
    this.library.DeleteGraph!(this.handle)
  }

  #setAttribute(description: Pointer, name: string, value: Attribute): void {
    const { library } = this
    if ('type' in value) library.SetAttrType!(description, name, value.type)
    else if ('string' in value) library.SetAttrString!(description, name, value.string, Buffer.byteLength(value.string))
    else if ('shape' in value) library.SetAttrShape!(description, name, value.shape.map(BigInt), value.shape.length)
    else if ('tensor' in value) this.#setTensor(description, name, value.tensor)
    else if ('int' in value) {
      if (Array.isArray(value.int)) library.SetAttrIntList!(description, name, value.int.map(BigInt), value.int.length)
      else library.SetAttrInt!(description, name, BigInt(value.int))
    } else if ('float' in value) {
      if (Array.isArray(value.float)) library.SetAttrFloatList!(description, name, value.float, value.float.length)
      else library.SetAttrFloat!(description, name, value.float)
    } else if (Array.isArray(value.bool)) {
      library.SetAttrBoolList!(description, name, value.bool.map(Number), value.bool.length)
    } else library.SetAttrBool!(description, name, Number(value.bool))
  }

  #setTensor(description: Pointer, name: string, values: Values): void {
    const tensor = newTensor(this.library, values)
    try {
      checked(this.library, 'to set a constant', (status) =>
        this.library.SetAttrTensor!(description, name, tensor, status),
      )
    } finally {
      this.library.DeleteTensor!(tensor)
    }
  }
}

/** Adds a constant. */
export const constant = (graph: Graph, name: string, values: Values): Output =>
  graph.output({
    type: 'Const',
    name,
    attributes: {
      dtype: { type: values.data instanceof Int32Array ? TYPES.int32 : TYPES.float32 },
      value: { tensor: values },
    },
  })

/** Copies the content of a TF_Buffer. */
export function bufferBytes(library: Library, buffer: Pointer): Uint8Array {
  const { data, length } = library.GetBuffer!(buffer) as { data: Pointer; length: number | bigint }
  const bytes = new Uint8Array(Number(length))
  if (bytes.length > 0) library.copies.read(bytes, data, bytes.length)
  return bytes
}
