import { type BackboneConfig, headOf, readsSegments } from '../../backbone/registry.js'
import { assertNever } from '../../base/assert_never.js'
import type { Experiment } from '../../experiment/schema.js'
import { writtenAs } from '../../task/example.js'
import { OUTSIDE } from '../../task/words/tagged.js'
import { architectureWithHead } from '../huggingface/architecture.js'

/** The class of transformers that loads a backbone with the head of a run, or one that generates. */
export function autoClassOf(config: BackboneConfig): string {
  const head = headOf(config)
  return head ? `AutoModel${architectureWithHead(head)}` : 'AutoModelForSeq2SeqLM'
}

/**
 * Python that prints what the head of `model` says of a row, whose ids are made by `tokenizer`. Whether there are token
 * types is stated, since by default it depends on the tokenizer's class and on the version of transformers.
 */
export function headInPython(config: BackboneConfig, { task, training }: Experiment): string {
  const head = headOf(config)
  if (!head) throw new Error('the backbone has no head')
  const texts = JSON.stringify(writtenAs(task))
  const types = `return_token_type_ids=${readsSegments(config) ? 'True' : 'False'}`
  const cut = `truncation=True, max_length=${training.source_length}, ${types}, return_tensors="pt"`
  switch (head.kind) {
    case 'sequence':
      return `texts = ${texts}  # with a row's text in place of each {column}
source = tokenizer(*texts, ${cut})
with torch.no_grad():
    logits = model(**source).logits
${task.kind === 'regression' ? 'print(logits.item())' : 'print(model.config.id2label[logits.argmax().item()])'}
`
    case 'choice':
      return `texts = ${texts}  # with a row's text in place of each {column}
choices = ["…", "…"]
seconds = [" ".join([*texts[1:], choice]) for choice in choices]
source = tokenizer([texts[0]] * len(choices), seconds, padding=True, ${cut})
with torch.no_grad():
    logits = model(**{name: each.unsqueeze(0) for name, each in source.items()}).logits
print(choices[logits.argmax().item()])
`
    case 'tokens':
      return `words = ["…", "…"]
source = tokenizer(words, is_split_into_words=True, ${cut})
with torch.no_grad():
    likeliest = model(**source).logits[0].argmax(-1)
spans = [source.word_to_tokens(word) for word in range(len(words))]  # None for a word that was not read
print([model.config.id2label[likeliest[span.start].item()] if span else "${OUTSIDE}" for span in spans])
`
    default:
      return assertNever(head.kind, 'kind of head')
  }
}
