import type { Precision } from '../../base/choices.js'
import { LoadedGraphs } from '../capture/loaded_graphs.js'
import { constantVariables, decodedVariables, STATE } from '../capture/variables.js'
import { sessionConfig } from '../graph/config.js'
import type { Library } from '../graph/library.js'
import { Session } from '../graph/session.js'
import { loadTrained } from '../model/checkpoint.js'
import type { HeldRuns } from '../model/held_runs.js'
import { blueprintOf, type ReadTensor } from '../model/model.js'
import { SessionDecoder } from './session_decoder.js'
import { placeConstants, placeFrozen } from './session_weights.js'

/** Holds runs in one session of TensorFlow, whose captured graphs decode with variables that all of them share. */
export function sessionRuns(
  library: Library,
  read: ReadTensor,
  { threads, precision = 'float32' }: { threads: number; precision?: Precision },
): HeldRuns {
  const session = new Session(library, sessionConfig(threads))
  let loaded = 0
  return {
    async load({ experiment: { method, training }, tensors, step }, config) {
      const blueprint = blueprintOf(config, method)
      const owner = loaded === 0 ? '' : `run_${loaded}/` // the first run's graph is that of its training
      loaded++
      if (blueprint.method.weights !== 'made') await placeFrozen(session, decodedVariables(blueprint, precision), read)
      await placeConstants(session, blueprint, { read, seed: training.seed, owner })
      const trained = loadTrained(tensors, blueprint, step)
      const vector = owner + STATE.vector
      await session.assign(vector, { shape: [trained.length], data: trained }, 'float32')
      const graphs = new LoadedGraphs(session, blueprint)
      const decoder = new SessionDecoder(session, blueprint, { graphs, read, owner, precision })
      return {
        trained,
        async decoder() {
          await decoder.ready(trained)
          return {
            padId: config.padId,
            generate: (sources, maxLength) => decoder.generate(sources, maxLength),
            answers: (batch) => decoder.answers(batch),
            rank: (sources, candidates) => decoder.rank(sources, candidates),
            dispose: () => decoder.done(),
          }
        },
        dispose: () => session.drop([vector, ...constantVariables(blueprint, owner).map(({ name }) => name)]),
      }
    },
    close: () => session.free(),
  }
}
