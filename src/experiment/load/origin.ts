import type { Path, Source } from '../../base/yaml/source.js'

/** A source, and the path in the experiment at which its root is. */
export interface Layer {
  under: Path
  source: Source
  /** Whether it is a preset, not what the user wrote. */
  preset?: boolean
}

export interface Origin {
  /** `file:line:column`, or `--set key=value`. */
  at: string
  /** Folder that relative paths there start from. */
  folder: string
  /** Whether the user wrote this very value: not a preset, and not only something above it. */
  own: boolean
}

/**
 * Returns a function that tells where the value at a path came from: from the layer that has most of the path, and of
 * equal ones from the last. What --set replaces as a whole comes from there, down to the deepest key, but files in a
 * preset that it names start from the preset's folder.
 */
export function originsOf(layers: readonly Layer[]): (path: Path) => Origin {
  return (path) => {
    const found = layers
      .filter(({ under }) => under.every((key, i) => key === path[i]))
      .map(({ under, source, preset = false }) => {
        const { at, depth, held = depth, folder = source.folder } = source.find(path.slice(under.length))
        return { at, folder, preset, depth: depth && depth + under.length, held: held && held + under.length }
      })
    const deepest = (of: 'depth' | 'held') => found.reduce((best, next) => (next[of] >= best[of] ? next : best))
    const { folder, held, preset } = deepest('held')
    return { at: deepest('depth').at, folder, own: !preset && held === path.length }
  }
}
