import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../base/error.js'
import { readJson } from '../../base/files/json_file.js'
import { shortened } from '../../base/text/shortened.js'

/** The tokens that end and pad a row, where a folder's `tokenizer_config.json` names them. */
export interface SpecialTokens {
  eos?: string
  pad?: string
}

/** Reads the special tokens. @throws UserError where the file is damaged, or names something that is not a token. */
export function specialTokens(folder: string): SpecialTokens {
  const file = join(folder, 'tokenizer_config.json')
  if (!existsSync(file)) return {}
  const fields = readJson(file)
  const named = (key: string): string | undefined => {
    const token = (fields as Record<string, unknown> | null)?.[key] ?? undefined
    // transformers writes a token whole, or its text
    const text = (token as { content?: unknown } | undefined)?.content ?? token
    if (text === undefined || typeof text === 'string') return text
    throw new UserError({ at: file, problem: `${key} is ${shortened(JSON.stringify(token))}; it must be a token.` })
  }
  const [eos, pad] = [named('eos_token'), named('pad_token')]
  return { ...(eos !== undefined && { eos }), ...(pad !== undefined && { pad }) }
}
