import { attribute, type NodeGraph, writeGraph } from '../../engine/decoding/node.js'
import { delimited, fields, integer, joined } from '../../engine/graph/protobuf.js'
import { TYPES } from '../../engine/graph/tensor.js'
import { assignment, SAVER } from './checkpoint.js'

/** An input or output tensor of a signature; a free dimension is −1. */
export interface Described {
  tensor: string
  type: keyof typeof TYPES
  shape: number[]
}

export interface Signature {
  inputs: Record<string, Described>
  outputs: Record<string, Described>
}

/** The tag that TensorFlow Serving loads. */
const TAG = 'serve'
/** SaverDef.CheckpointFormatVersion.V2 */
const V2 = 2

/** Returns a serialised SavedModel (tensorflow/core/protobuf/saved_model.proto) of one graph. */
export function savedModel(
  graph: NodeGraph,
  variables: string[],
  signatures: Record<string, Signature>,
  tensorflow: string,
): Uint8Array {
  const metaInfo = [delimited(4, TAG), delimited(5, tensorflow)] // tags, tensorflow_version
  const saver = [
    delimited(1, `${SAVER.file}:0`),
    delimited(2, `${SAVER.save}:0`),
    delimited(3, SAVER.restore),
    integer(7, V2),
  ]
  const definitions = delimited(
    2,
    variables.map((name) => delimited(1, variableDefinition(name))),
  ) // bytes_list
  const metaGraph = [
    delimited(1, metaInfo),
    delimited(2, writeGraph(graph)),
    delimited(3, saver),
    entry(4, 'variables', [definitions]), // collection_def: Python makes these its variables
    ...Object.entries(signatures).map(([name, signature]) => entry(5, name, signatureDefinition(signature))),
  ]
  return joined([integer(1, 1), delimited(2, metaGraph)]) // saved_model_schema_version, meta_graphs
}

/** VariableDef: variable_name, initializer_name, snapshot_name, is_resource. */
const variableDefinition = (name: string): Uint8Array[] => [
  delimited(1, `${name}:0`),
  delimited(2, assignment(name)),
  delimited(3, `${name}/read:0`),
  integer(5, true),
]

/** SignatureDef: inputs, outputs, method_name. */
const signatureDefinition = ({ inputs, outputs }: Signature): Uint8Array[] => [
  ...Object.entries(inputs).map(([name, described]) => entry(1, name, tensorInfo(described))),
  ...Object.entries(outputs).map(([name, described]) => entry(2, name, tensorInfo(described))),
  delimited(3, 'tensorflow/serving/predict'),
]

/** TensorInfo: name, dtype, tensor_shape. */
const tensorInfo = ({ tensor, type, shape }: Described): Uint8Array[] => [
  delimited(1, `${tensor}:0`),
  integer(2, TYPES[type]),
  delimited(3, [...fields(attribute.shape(shape))][0]![1] as Uint8Array),
]

const entry = (number: number, key: string, value: Uint8Array[]): Uint8Array =>
  delimited(number, [delimited(1, key), delimited(2, value)])
