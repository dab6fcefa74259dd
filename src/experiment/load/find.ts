import { existsSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { commandLine } from '../../base/command_line.js'
import { ExperimentError } from '../../base/error.js'
import { experimentFile, experimentNames, presetNames } from '../../base/presets.js'
import { suggestion } from '../wording.js'
import { nearFile } from './files.js'
import { refuseSweepName } from './other_kind.js'

/** Returns the file of an experiment, which is a path or the name of a shipped one. @throws ExperimentError */
export function findExperiment(file: string): string {
  if (existsSync(file) && !statSync(file).isDirectory()) return file
  const shipped = experimentFile(file)
  if (shipped) return shipped
  refuseSweepName(file)
  throw new ExperimentError({ at: file, problem: 'there is no such file.', remedy: meant(file) })
}

/** Says what was probably meant: a file there, an experiment of the toolkit, or a preset, which is a part of one. */
function meant(file: string): string {
  const near = nearFile(resolve(file))
  if (near) return `Did you mean ${file.slice(0, file.length - basename(file).length)}${near}?`
  const name = file.replace(/^(\.\/)?experiments\//, '').replace(/\.ya?ml$/, '')
  if (experimentFile(name)) return `Did you mean ${name}?`
  return presetMeant(name) ?? suggestion(name, experimentNames(), 'Experiments of the toolkit')
}

/** Says how to train a preset. Not every method has an experiment of the paper's, so `paper/lora` means the method. */
function presetMeant(name: string): string | undefined {
  const plain = name.replace(/^paper\//, '')
  const key = (['method', 'task', 'backbone'] as const).find((key) => presetNames(`${key}s`).includes(plain))
  if (key === undefined) return undefined
  const training = commandLine(`train quickstart --set ${key}=${plain}`)
  const paper = experimentFile(`paper/${plain}`)
    ? ` With the paper's settings: ${commandLine(`train paper/${plain}`)}.`
    : ''
  return `${plain} is a ${key}; this trains with it: ${training}.${paper}`
}
