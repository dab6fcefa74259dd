import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const SPECIAL = ['<pad>', '<s>', '</s>', '<unk>', '<mask>']
const CHARACTERS = [...'ĠabcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.,']

/**
 * Gives an encoder's folder a tokenizer of bytes as RoBERTa's: a word after a blank begins with another token. `named`
 * is the class that its config names; `behind` says whether the bytes are behind another pre-tokenizer.
 */
export function makeByteLevel(folder: string, named: string, { behind = false } = {}): string {
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true }
  const digits = { type: 'Digits', individual_digits: true }
  const [pad_token, bos_token, eos_token, unk_token, mask_token] = SPECIAL
  const own = { pad_token, bos_token, eos_token, unk_token, mask_token, cls_token: bos_token, sep_token: eos_token }
  const tokenizer = {
    version: '1.0',
    added_tokens: SPECIAL.map((content, id) => ({
      ...{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true },
    })),
    normalizer: null,
    pre_tokenizer: behind ? { type: 'Sequence', pretokenizers: [digits, bytes] } : bytes,
    post_processor: {
      ...{ type: 'RobertaProcessing', sep: [eos_token, 2], cls: [bos_token, 1] },
      ...{ trim_offsets: true, add_prefix_space: false },
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      ...{ type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '' },
      ...{ fuse_unk: false, byte_fallback: false },
      vocab: Object.fromEntries([...SPECIAL, ...CHARACTERS, 'Ġa', 'Ġb'].map((token, id) => [token, id])),
      merges: ['Ġ a', 'Ġ b'],
    },
  }
  writeFileSync(join(folder, 'tokenizer.json'), JSON.stringify(tokenizer))
  writeFileSync(join(folder, 'tokenizer_config.json'), JSON.stringify({ tokenizer_class: named, ...own }))
  return folder
}
