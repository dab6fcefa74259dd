import { attribute, type Node, node, STRING, variableNodes, writeGraph } from '../../engine/decoding/node.js'
import { sessionConfig } from '../../engine/graph/config.js'
import type { Library } from '../../engine/graph/library.js'
import { Session } from '../../engine/graph/session.js'
import { TYPES } from '../../engine/graph/tensor.js'

/** The operations that save and restore a SavedModel's variables. */
export const SAVER = { file: 'save/file', save: 'save/written', restore: 'save/restored' }

/** Returns the operation that assigns a variable its restored value. */
export const assignment = (variable: string) => `save/${variable}/assigned`

/** Returns the operations that save and restore variables which the graph reads as `NAME/read`. */
export const saverNodes = (variables: string[]): Node[] => [
  texts('save/default_file', ['model'], []),
  node('PlaceholderWithDefault', SAVER.file, ['save/default_file'], {
    dtype: attribute.type(STRING),
    shape: attribute.shape([]),
  }),
  ...saveNodes('save/save', SAVER.file, variables),
  node('Identity', SAVER.save, [SAVER.file, '^save/save'], { T: attribute.type(STRING) }),
  node('RestoreV2', 'save/restore', [SAVER.file, 'save/save/names', 'save/save/slices'], {
    dtypes: attribute.types(variables.map(() => TYPES.float32)),
  }),
  ...variables.map((variable, i) =>
    node('AssignVariableOp', assignment(variable), [variable, `save/restore:${i}`], {
      dtype: attribute.type(TYPES.float32),
      validate_shape: attribute.bool(true),
    }),
  ),
  node(
    'NoOp',
    SAVER.restore,
    variables.map((variable) => `^${assignment(variable)}`),
  ),
]

function saveNodes(name: string, file: string, variables: string[]): Node[] {
  const [names, slices] = [`${name}/names`, `${name}/slices`]
  return [
    texts(names, variables, [variables.length]),
    texts(
      slices,
      variables.map(() => ''),
      [variables.length],
    ),
    node('SaveV2', name, [file, names, slices, ...variables.map((variable) => `${variable}/read`)], {
      dtypes: attribute.types(variables.map(() => TYPES.float32)),
    }),
  ]
}

const texts = (name: string, values: string[], shape: number[]): Node =>
  node('Const', name, [], { dtype: attribute.type(STRING), value: attribute.texts(values, shape) })

/**
 * Writes tensors as TensorFlow's own variables: `PREFIX.index`, `PREFIX.data-00000-of-00001`. Values are asked for one
 * by one; TensorFlow holds them all until they are written.
 * @throws UserError with TensorFlow's reason; Error with a `code` like Node's where they can't be written.
 */
export async function writeVariables(
  library: Library,
  prefix: string,
  shapes: Map<string, number[]>,
  read: (name: string) => Promise<Float32Array>,
  versions: Uint8Array,
): Promise<void> {
  const session = new Session(library, sessionConfig(1))
  try {
    for (const [name, shape] of shapes) await session.assign(name, { shape, data: await read(name) }, 'float32')
    const nodes = [
      texts('file', [prefix], []),
      ...[...shapes].flatMap(([name, shape]) => variableNodes(name, shape)),
      ...saveNodes('save', 'file', [...shapes.keys()]),
    ]
    session.graph.import(writeGraph({ nodes, versions }), 'written')
    await session.run({ targets: ['written/save'] })
  } finally {
    session.free()
  }
}
