import { isAbsolute } from 'node:path'
import { backbonePresets } from '../backbone/files/preset.js'
import { parameterCount } from '../backbone/registry.js'
import { experimentFile, experimentNames, firstComment, presetFile, presetNames } from '../base/presets.js'
import { readYaml, shownPath } from '../base/yaml/source.js'
import { expandAxes } from '../sweep/plan/axes.js'
import { sweepSchema } from '../sweep/plan/schema.js'

/** One line of `compacter list`: its name, what distinguishes it from the others, and what it is. */
export interface Entry {
  name: string
  description: string
  [property: string]: string | number
}

const catalogues = { backbones, methods, tasks, experiments, sweeps }
export type Catalogue = keyof typeof catalogues

/** Returns everything of a kind that comes with the toolkit, by name. */
export function catalogue(kind: Catalogue): Entry[] {
  return catalogues[kind]()
}

function backbones(): Entry[] {
  return backbonePresets().map(({ name, config, source, description }) => ({
    name,
    parameters: parameterCount(config),
    source: isAbsolute(source) ? shownPath(source) : source,
    description,
  }))
}

function methods(): Entry[] {
  return presetNames('methods').map((name) => {
    const file = presetFile('methods', name)!
    const { kind, learning_rate } = readYaml(file)
    return { name, kind, learning_rate, description: firstComment(file) }
  })
}

function tasks(): Entry[] {
  return presetNames('tasks').map((name) => {
    const file = presetFile('tasks', name)!
    const { metrics } = readYaml(file)
    return { name, metrics: metrics.join(', '), description: firstComment(file) }
  })
}

function experiments(): Entry[] {
  return experimentNames().map((name) => {
    const file = experimentFile(name)!
    return { name, file: shownPath(file), description: firstComment(file) }
  })
}

function sweeps(): Entry[] {
  return presetNames('sweeps').map((name) => {
    const file = presetFile('sweeps', name)!
    const sweep = sweepSchema.parse(readYaml(file))
    const cells = expandAxes(sweep, []).length
    return { name, cells, experiment: sweep.experiment, description: firstComment(file) }
  })
}
