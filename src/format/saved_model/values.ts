import { backboneShapes } from '../../backbone/registry.js'
import { UserError } from '../../base/error.js'
import { elements, type SafetensorsFile } from '../../base/safetensors/safetensors.js'
import type { Served } from '../../engine/decoding/pieces.js'
import { loadTrained } from '../../engine/model/checkpoint.js'
import { disposeModel, evaluationPass } from '../../engine/model/model.js'
import { type OpenedBackbone, prepareModel } from '../../engine/prepare/prepare.js'
import { headParameters } from '../../method/head.js'
import type { ParameterSpec } from '../../method/method.js'
import { methodOf } from '../../method/registry.js'
import { startValues } from '../../method/start.js'
import tf from '../../tensor/tf.cjs'
import type { Trained } from '../format.js'

/** A trained model's tensors, and the method's hooks that use them. */
export interface TrainedModel {
  served: Served
  /** Returns the values of a tensor. */
  read(name: string): Promise<Float32Array>
  free(): void
}

/**
 * Returns the trained model; weights that the method computes, as from a random subspace, are computed now.
 * @throws UserError naming file and tensor where one is missing or has another shape.
 */
export function trainedModel(trained: Trained, backbone: OpenedBackbone): TrainedModel {
  const { experiment, tensors } = trained
  const { method: options, training } = experiment
  const { config, files } = backbone
  const method = methodOf(options)
  const ofBackbone = backboneShapes(config)
  const parameters = [...method.parameters(options, config), ...headParameters(config)]
  checkTensors(tensors, parameters)
  const own = parameters.filter(({ name }) => !ofBackbone.has(name))
  const constants = new Map((method.constants?.(options, config) ?? []).map((spec) => [spec.name, spec]))
  const made = method.weights === 'made' ? madeWeights(trained, backbone) : undefined
  const shapes = new Map([
    ...ofBackbone,
    ...own.map(({ name, shape }) => [name, shape] as const),
    ...[...constants.values()].map(({ name, shape }) => [name, shape] as const),
  ])
  return {
    served: {
      config,
      shapes,
      hooks: (tensors) => (made ? {} : method.hooks(options, config, tensors)),
    },
    async read(name) {
      if (made && ofBackbone.has(name)) return made.read(name)
      if (tensors.entries.has(name)) return tensors.read(name)
      const constant = constants.get(name)
      if (constant) return startValues(constant, training.seed, files.read)
      return files.read(name).subarray(0, elements(shapes.get(name)!))
    },
    free: () => made?.free(),
  }
}

function checkTensors({ path, entries }: SafetensorsFile, parameters: ParameterSpec[]): void {
  for (const { name, shape } of parameters) {
    const stored = entries.get(name)?.shape
    if (String(stored) === String(shape)) continue
    throw new UserError({
      at: path,
      problem: stored
        ? `${name} has the shape [${stored}]; the method's options give [${shape}].`
        : `has no tensor ${name}.`,
      remedy: "The file and the run's experiment.yaml do not belong together.",
    })
  }
}

function madeWeights({ experiment, tensors, progress }: Trained, backbone: OpenedBackbone) {
  const model = prepareModel(experiment, backbone, progress)
  const vector = tf.tensor1d(loadTrained(tensors.path, model))
  const { pass, dispose } = evaluationPass(model, vector)
  return {
    read: async (name: string) => (await pass.weight(name).data()) as Float32Array,
    free() {
      dispose()
      disposeModel(model)
      vector.dispose()
    },
  }
}
