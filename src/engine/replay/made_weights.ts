import type { Precision } from '../../base/choices.js'
import { elements } from '../../base/safetensors/safetensors.js'
import { noDropout } from '../../tensor/dropout.js'
import { type Capture, type Captured, capture } from '../capture/capture.js'
import type { LoadedGraphs } from '../capture/loaded_graphs.js'
import { decodedVariables, STATE } from '../capture/variables.js'
import type { Library } from '../graph/library.js'
import { type Session, variable } from '../graph/session.js'
import { TYPES } from '../graph/tensor.js'
import { unflatten } from '../model/layout.js'
import { type Blueprint, passOf, type ReadTensor } from '../model/model.js'

const MAKING = 'making'
const FLOAT = { type: TYPES.float32 }

/** Weights that a method makes of the backbone's, in the variables of a session that decoding reads. */
export interface MadeWeights {
  /** Makes them, one after another, with the trained vector in the session or with another. */
  make(vector?: Float32Array): Promise<void>
  /** Frees them. */
  drop(): Promise<void>
}

export function madeWeights(
  session: Session,
  blueprint: Blueprint,
  { graphs, read, owner, precision }: { graphs: LoadedGraphs; read: ReadTensor; owner: string; precision: Precision },
): MadeWeights {
  const graph = {
    prefix: owner + MAKING,
    what: { kind: MAKING, precision },
    capture: () => captureMaking(session.library, blueprint, precision),
  }
  const variables = decodedVariables(blueprint, precision)
  const target = (action: string, tensor: string) => `${graph.prefix}/${action}/${tensor}`
  return {
    make: (vector) =>
      graphs.with(graph, async () => {
        for (const { tensor, shape } of variables) {
          const feeds = {
            [target('from', tensor)]: { shape, data: read(tensor).subarray(0, elements(shape)) },
            ...(vector && { [`${graph.prefix}/${STATE.vector}/read`]: { shape: [vector.length], data: vector } }),
          }
          await session.run({ feeds, targets: [target('make', tensor)] })
        }
      }),
    async drop() {
      await session.run({ targets: variables.map(({ tensor }) => target('drop', tensor)) })
    },
  }
}

/**
 * Captures what a method makes of the backbone's tensors: `make/NAME` fills the variable of one from the input
 * `from/NAME` and the trained vector, `drop/NAME` frees it.
 */
function captureMaking(library: Library, blueprint: Blueprint, precision: Precision): Captured {
  const body = ({ graph, recorder, model, vector, input }: Capture) => {
    const views = recorder.at('trained', () => unflatten(model.layout, vector))
    const { hooks } = passOf(model, views, noDropout)
    for (const { name, tensor, shape, type } of decodedVariables(blueprint, precision)) {
      const frozen = recorder.tensor(input(`from/${tensor}`, new Float32Array(1), shape))
      const made = recorder.output(recorder.at(tensor, () => hooks.weight!(tensor, frozen)))
      const casting = { SrcT: FLOAT, DstT: { type: TYPES[type] } }
      const value =
        type === 'float32'
          ? made
          : graph.output({ type: 'Cast', name: `rounded/${tensor}`, inputs: [made], attributes: casting })
      const handle = variable(graph, `handle/${tensor}`, name, TYPES[type], shape)
      const dtype = { type: TYPES[type] }
      graph.add({ type: 'AssignVariableOp', name: `make/${tensor}`, inputs: [handle, value], attributes: { dtype } })
      graph.add({ type: 'DestroyResourceOp', name: `drop/${tensor}`, inputs: [handle] })
    }
  }
  return capture(library, blueprint, 'float32', body, { frozen: [] })
}
