import { existsSync, readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { readText } from './files/read.js'
import { packageRoot } from './root.js'

export type PresetKind = 'backbones' | 'methods' | 'tasks' | 'sweeps'

const presetsRoot = join(packageRoot, 'configs')
const experimentsRoot = join(packageRoot, 'experiments')

/** A task that comes with its data is a folder with this file; every other preset is `<name>.yaml`. */
const FOLDER_FILE = 'task.yaml'

/** Names of the presets of a kind, sorted: `compacter`, `rotten-tomatoes`, `glue/rte`. */
export function presetNames(kind: PresetKind): string[] {
  names[kind] ??= namesBelow(join(presetsRoot, kind))
  return names[kind]
}

/** Read once, since the presets are part of the package. */
const names: Partial<Record<PresetKind, string[]>> = {}

/** Returns the absolute file of a preset, or undefined where no preset has that name. */
export function presetFile(kind: PresetKind, name: string): string | undefined {
  return presetNames(kind).includes(name) ? namedFile(join(presetsRoot, kind), name) : undefined
}

/** Returns the names of the experiments that come with the toolkit: `quickstart`, `paper/compacter`. */
export function experimentNames(): string[] {
  return namesBelow(experimentsRoot)
}

/** Returns the absolute file of an experiment that comes with the toolkit, or undefined where none has that name. */
export function experimentFile(name: string): string | undefined {
  return experimentNames().includes(name) ? namedFile(experimentsRoot, name) : undefined
}

/** Returns what a YAML file says about itself: its first comment line that is meant for people. */
export function firstComment(file: string): string {
  const comments = readText(file).matchAll(/^#\s*(.+)$/gm)
  return [...comments].map(([, text]) => text!.trim()).find((text) => !text.startsWith('yaml-language-server')) ?? ''
}

function namedFile(root: string, name: string): string {
  const inFolder = join(root, name, FOLDER_FILE)
  return existsSync(inFolder) ? inFolder : join(root, `${name}.yaml`)
}

function namesBelow(root: string): string[] {
  const entries = existsSync(root) ? readdirSync(root, { recursive: true, withFileTypes: true }) : []
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith('.yaml'))
    .map((entry) => {
      const folder = relative(root, entry.parentPath).split(sep).join('/')
      if (entry.name === FOLDER_FILE) return folder
      return [folder, entry.name.slice(0, -'.yaml'.length)].filter(Boolean).join('/')
    })
    .sort()
}
