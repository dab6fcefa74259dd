import { experimentSchema } from '../experiment/schema.js'
import { type JsonSchema, jsonSchema } from './json_schema.js'

/**
 * Returns the dotted keys that `--set` accepts: those of an experiment, of every kind of task and method, and `preset`.
 */
function experimentKeys(): string[] {
  const keys = leaves(jsonSchema(experimentSchema), '')
  return [...new Set([...keys, 'backbone', 'method', 'method.preset', 'task', 'task.preset'])].sort()
}

/** Keys that `--set` accepts in commands that open a run: where its backbone and data are. */
const PLACES = ['backbone.name', 'task.train', 'task.validation', 'task.test', 'task.path']

/** Returns the keys that a `--set` accepts, by the value that its help shows. */
export const keysOfSet = (helpValue: string | string[] | undefined): string[] =>
  helpValue === 'key=PLACE' ? PLACES : experimentKeys()

function leaves({ properties, oneOf }: JsonSchema, path: string): string[] {
  if (oneOf) return (oneOf as JsonSchema[]).flatMap((option) => leaves(option, path))
  if (!properties) return [path]
  const below = (key: string) => (path === '' ? key : `${path}.${key}`)
  return Object.entries(properties).flatMap(([key, schema]) => leaves(schema, below(key)))
}
