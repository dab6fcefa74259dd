import type { Path, Source } from './source.js'

/** A source and the path in the experiment that its root stands for. */
export interface Layer {
  under: Path
  source: Source
}

export interface Origin {
  /** `file:line:column`, or `--set key=value`. */
  at: string
  /** Folder that a relative path there starts from. */
  folder: string
}

/** Tells where the value at a path came from: the layer that has most of the path, of equal ones the last. */
export function originsOf(layers: readonly Layer[]): (path: Path) => Origin {
  return (path) => {
    const found = layers
      .filter(({ under }) => under.every((key, i) => key === path[i]))
      .map(({ under, source }) => ({ folder: source.folder, ...source.find(path.slice(under.length)), under }))
      .map(({ under, depth, ...origin }) => ({ ...origin, depth: depth && depth + under.length }))
    return found.reduce((best, next) => (next.depth >= best.depth ? next : best))
  }
}
