/** Methods of other libraries that are not here, and what comes nearest. */
const NOT_HERE: Record<string, string> = {
  loha: 'LoHa is not here; lora and lokr are the nearest to it.',
  adalora: 'AdaLoRA is not here; lora has the same rank everywhere.',
  qlora: 'QLoRA is not here: no weights are quantised. lora trains the same tensors.',
  rslora: 'It is lora with rank_stabilised: true.',
  'lora+': 'It is lora with loraplus_lr_ratio.',
  loraplus: 'It is lora with loraplus_lr_ratio.',
  oft: 'OFT is not here.',
  boft: 'BOFT is not here.',
}

/** Other names of methods that are here, written as letters and digits only. */
const OTHER_NAMES: Record<string, string> = {
  lntuning: 'layernormtuning',
  layernorm: 'layernormtuning',
  ptuning: 'prefixtuning',
}

/** Returns what another library's name of a method means among names of methods; undefined for other words. */
export function methodMeant(word: string, names: readonly string[]): string | undefined {
  if (!names.includes('lora')) return undefined
  const plain = word.toLowerCase()
  if (Object.hasOwn(NOT_HERE, plain)) return NOT_HERE[plain]
  const letters = plain.replaceAll(/[^a-z]/g, '')
  const other = Object.hasOwn(OTHER_NAMES, letters) ? OTHER_NAMES[letters] : undefined
  const name = names.find((known) => known.replaceAll(/[^a-z]/g, '') === other)
  return name && `Did you mean ${name}?`
}
