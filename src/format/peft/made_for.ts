import { join } from 'node:path'
import { allFamilies, type BackboneConfig, familyOf, isEncoder } from '../../backbone/registry.js'
import { UserError } from '../../base/error.js'
import { shortened } from '../../base/text/shortened.js'
import type { PeftConfig } from './config.js'
import { PEFT_FILES } from './names.js'

/** The task types of models that answer with a head of their own, and of one that decodes. */
const OF_ENCODERS = ['SEQ_CLS', 'TOKEN_CLS']
const DECODED = 'SEQ_2_SEQ_LM'

/**
 * Refuses adapters of a model of another family before a tensor is looked for, since the first one that is missing
 * tells nothing.
 * @throws UserError that names the model in peft's config.
 */
export function checkMadeFor(folder: string, read: PeftConfig, backbone: BackboneConfig): void {
  const made = madeFor(read, backbone)
  if (made === undefined) return
  const { base_model_name_or_path: name } = read
  const of = name ? `, trained on ${shortened(name)}` : ''
  throw new UserError({
    at: join(folder, PEFT_FILES.config),
    problem: `was made for ${made}${of}; the backbone here is of the family ${familyOf(backbone).name}.`,
    remedy: 'Name the backbone that it was trained on with --backbone.',
  })
}

/** Says for which other model the adapters were made; undefined where nothing in the config speaks against this one. */
function madeFor({ auto_mapping, task_type }: PeftConfig, backbone: BackboneConfig): string | undefined {
  const { base_model_class: name = '', parent_library: library = '' } = auto_mapping ?? {}
  const [, type] = /^transformers\.models\.(\w+)\./.exec(library) ?? []
  if (type !== undefined && !familyOf(backbone).types.some((own) => own.replaceAll('-', '_') === type)) {
    const family = allFamilies.find(({ types }) => types.some((own) => own.replaceAll('-', '_') === type))
    const known = family ? ` of the family ${family.name}` : ''
    return `a model${known} (auto_mapping.base_model_class is ${shortened(name || type)})`
  }
  if (task_type === DECODED && isEncoder(backbone)) return `a model that decodes (task_type is ${DECODED})`
  if (OF_ENCODERS.includes(task_type ?? '') && !isEncoder(backbone))
    return `an encoder with a head (task_type is ${task_type})`
  return undefined
}
