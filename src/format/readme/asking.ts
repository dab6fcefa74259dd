import type { BackboneConfig } from '../../backbone/registry.js'
import { assertNever } from '../../base/assert_never.js'
import type { TaskOptions } from '../../task/options.js'

/**
 * Returns lines of Python that ask `model` for one row of the task, read by `tokenizer` and cut to that many tokens;
 * PyTorch is imported as `torch`.
 */
export function asking(config: BackboneConfig, task: TaskOptions, length: number): string {
  if (!('head' in config) || !config.head) return GENERATING
  const cut = `truncation=True, max_length=${length}, return_tensors="pt"`
  const pair = task.texts?.length === 2
  const texts = pair ? '"…", "…"' : '"…"'
  switch (config.head.kind) {
    case 'sequence':
      return `source = tokenizer(${texts}, ${cut})
with torch.no_grad():
    logits = model(**source).logits
${task.kind === 'regression' ? 'print(logits.item())' : 'print(model.config.id2label[logits.argmax().item()])'}`
    case 'choice':
      return `choices = ["…", "…"]
seconds = ${pair ? '[f"… {choice}" for choice in choices]' : 'choices'}
source = tokenizer(["…"] * len(choices), seconds, padding=True, ${cut})
with torch.no_grad():
    logits = model(**{name: each.unsqueeze(0) for name, each in source.items()}).logits
print(choices[logits.argmax().item()])`
    case 'tokens':
      return `words = ["…", "…"]
source = tokenizer(words, is_split_into_words=True, ${cut})
with torch.no_grad():
    likeliest = model(**source).logits[0].argmax(-1)
first_tokens = [source.word_to_tokens(word).start for word in range(len(words))]
print([model.config.id2label[likeliest[token].item()] for token in first_tokens])`
    default:
      return assertNever(config.head.kind, 'kind of head')
  }
}

const GENERATING = `source = tokenizer(["…"], return_tensors="pt")
print(tokenizer.batch_decode(model.generate(**source), skip_special_tokens=True))`
