import { elements } from '../../base/safetensors/safetensors.js'
import { startValues } from '../../method/start.js'
import { constantVariables, type Variable } from '../capture/variables.js'
import type { Assignment, Session } from '../graph/session.js'
import type { Blueprint, ReadTensor } from '../model/model.js'

/** Fills the variables of a backbone's tensors that a session does not have yet. */
export async function placeFrozen(session: Session, variables: Variable[], read: ReadTensor): Promise<void> {
  function* missing(): Generator<Assignment> {
    for (const { name, tensor, shape, type } of variables)
      if (!session.has(name))
        yield { name, values: { shape, data: read(tensor).subarray(0, elements(shape)) }, as: type }
  }
  await session.assignAll(missing())
}

/** Fills the variables of a method's tensors that keep their values from the seed. */
export async function placeConstants(
  session: Session,
  blueprint: Blueprint,
  { read, seed, owner = '' }: { read: ReadTensor; seed: number; owner?: string },
): Promise<void> {
  const specs = blueprint.method.constants?.(blueprint.options, blueprint.config) ?? []
  function* drawn(): Generator<Assignment> {
    for (const [i, { name, shape }] of constantVariables(blueprint, owner).entries())
      yield { name, values: { shape, data: startValues(specs[i]!, seed, read) }, as: 'float32' }
  }
  await session.assignAll(drawn())
}
