import { dirname, resolve } from 'node:path'
import { type Complaint, ExperimentError } from '../base/error.js'
import { pathInFolder, readText } from '../base/files/read.js'
import { type Source, shownPath, yamlSource } from '../base/yaml/source.js'
import { ExperimentProblems, readExperiment } from '../experiment/load/load.js'
import { labelNameFaults } from '../experiment/load/task_faults.js'
import { locatedPlaces } from '../experiment/places.js'
import { type Experiment, experimentSchema, isExperimentText } from '../experiment/schema.js'
import { withHeldOut } from '../task/rows/split_rows.js'
import { asItWasMade } from './earlier.js'

/**
 * Reads the experiment that a run was made with, from its experiment.yaml, which has every value in force. Neither its
 * data nor its backbone need to exist: that is checked where they are read.
 * @throws ExperimentError with `file:line:column`
 */
export function runExperiment(file: string): Experiment {
  pathInFolder(file) // other people may have made the folder
  const complaints: Complaint[] = []
  const source = yamlSource(file, dirname(resolve(file)), complaints, isExperimentText)
  checkWhole(file)
  if (complaints.length > 0) throw new ExperimentProblems(complaints)
  const parsed = experimentSchema.safeParse(asItWasMade(source.value))
  if (parsed.success) checkNames(parsed.data, source)
  // written by hand, with presets and short forms
  const experiment = parsed.success ? locatedPlaces(parsed.data, source.folder, file) : readExperiment(file).experiment
  return { ...experiment, task: withHeldOut(experiment.task) }
}

/** Checks names of labels, which a user may change in the file. */
function checkNames({ task }: Experiment, { find }: Source): void {
  const faults = labelNameFaults(task)
  if (faults.length === 0) return
  throw new ExperimentProblems(faults.map(({ path, ...words }) => ({ at: find(path).at, ...words })))
}

/** Refuses a file that may be cut short: it may still be YAML, with another value or none where the cut is. */
function checkWhole(file: string): void {
  const text = readText(file)
  if (text.endsWith('\n')) return
  throw new ExperimentError({
    at: `${shownPath(file)}:${text.split('\n').length}`,
    problem: 'is damaged: the last line has no end, so it may be cut short.',
    remedy: 'Restore it; if nothing is missing, put a line break at its end.',
  })
}
