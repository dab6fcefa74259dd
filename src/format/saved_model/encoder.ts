import { type BackboneConfig, onlyEncoder } from '../../backbone/registry.js'
import { assertNever } from '../../base/assert_never.js'
import type { DecodingGraph } from '../../engine/decoding/decoding_graph.js'
import { headGraph, headInputs, LOGITS, PROBABILITIES } from '../../engine/decoding/head_graph.js'
import type { Node } from '../../engine/decoding/node.js'
import type { Served } from '../../engine/decoding/pieces.js'
import type { Library } from '../../engine/graph/library.js'
import { classesOf } from '../../engine/prepare/head.js'
import { writtenAs } from '../../task/example.js'
import type { TaskOptions } from '../../task/options.js'
import { OUTSIDE } from '../../task/words/tagged.js'
import type { Trained } from '../format.js'
import type { OwnFiles } from '../readme/own_files.js'
import type { Described, Signature } from './meta_graph.js'

export const TOKENIZER = 'assets.extra/tokenizer.json'

/** Makes the graph of a SavedModel, its signatures and the README's part on it. */
export type Serving = (
  library: Library,
  served: Served,
  reading: (names: string[]) => Node[],
  trained: Trained,
  own: OwnFiles,
) => { graph: DecodingGraph; signatures: Record<string, Signature>; readme: string }

/** The graph of an encoder with its head. */
export const answering: Serving = (library, served, reading, trained, own) => {
  const rows = headRows(served.config)
  const labels = rows > 1
  const described = (names: string[], type: Described['type'], shape: number[]): Record<string, Described> =>
    Object.fromEntries(names.map((tensor) => [tensor, { tensor, type, shape }]))
  const each = onlyEncoder(served.config).head?.kind === 'tokens' ? [-1, -1] : [-1]
  const inputs = described(headInputs(served), 'int32', [-1, -1])
  const outputs = described([LOGITS, ...(labels ? [PROBABILITIES] : [])], 'float32', [...each, rows])
  return {
    graph: headGraph(library, served, { reading, labels }),
    signatures: { serving_default: { inputs, outputs } },
    readme: readme(trained, own, headInputs(served), rows),
  }
}

/** Rows of the head of an encoder: labels, or 1 for a number, and for how good a choice is. */
function headRows(config: BackboneConfig): number {
  const { head } = onlyEncoder(config)
  return !head || head.kind === 'choice' ? 1 : head.labels
}

const IN_PYTHON: Record<string, string> = {
  input_ids: 'ids',
  attention_mask: 'attention_mask',
  token_type_ids: 'type_ids',
}

/** Python that prints what the head says of `text`. */
function asked(task: TaskOptions): string {
  switch (task.kind) {
    case 'classification':
      return `labels = ${JSON.stringify(classesOf(task))}
print([labels[row.argmax()] for row in answers([text])["${PROBABILITIES}"].numpy()])`
    case 'regression':
      return `print(answers([text])["${LOGITS}"].numpy()[:, 0])`
    case 'multiple_choice':
      return `print(answers([text, text])["${LOGITS}"].numpy()[:, 0].argmax())  # a text for each choice`
    case 'token_classification':
      return `labels = ${JSON.stringify(classesOf(task))}
likeliest = answers([words])["${PROBABILITIES}"].numpy().argmax(-1)[0]
words_of = tokenizer.encode(words, is_pretokenized=True).word_ids
firsts = [words_of.index(word) if word in words_of else None for word in range(len(words))]  # None: not read
print(["${OUTSIDE}" if first is None else labels[likeliest[first]] for first in firsts])`
    case 'text':
      throw new Error('no head writes text')
    default:
      return assertNever(task, 'kind of task')
  }
}

function readme({ experiment, config }: Trained, { byteLevel }: OwnFiles, inputs: string[], rows: number): string {
  const { task, training } = experiment
  const texts = writtenAs(task)
  const tags = task.kind === 'token_classification'
  const row = JSON.stringify(
    texts.length > 1 || task.kind === 'multiple_choice' ? [...texts, '…'].slice(0, 2) : texts[0],
  )
  const tensors = inputs.map(
    (name) => `        ${name}=tf.constant([each.${IN_PYTHON[name]} for each in encodings], tf.int32),`,
  )
  const names = inputs.map((name) => `\`${name}\``).join(', ')
  const outputs = rows > 1 ? `\`${LOGITS}\`, \`${PROBABILITIES}\`` : `\`${LOGITS}\``
  return `A TensorFlow SavedModel: backbone, method and head are inside, the tokenizer is not (TensorFlow has no
operation for it), it lies in \`${TOKENIZER}\`. In this folder, after \`pip install tensorflow tokenizers\`:

\`\`\`python
import tensorflow as tf
from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file("${TOKENIZER}")
${byteLevel ? `tokenizer.${byteLevel}.add_prefix_space = True  # each word as after a blank\n` : ''}\
tokenizer.enable_truncation(${training.source_length})
tokenizer.enable_padding(pad_id=${config.padId})
model = tf.saved_model.load(".")

def answers(texts):
    encodings = tokenizer.encode_batch(texts${tags ? ', is_pretokenized=True' : ''})
    return model.signatures["serving_default"](
${tensors.join('\n')}
    )

${tags ? 'words = ["…", "…"]' : `text = ${row}  # with a row's text in place of each {column}`}
${asked(task)}
\`\`\`

| signature | inputs | outputs |
|---|---|---|
| \`serving_default\` | ${names} int32 [batch, length] | ${outputs} float32 [batch, ${tags ? 'length, ' : ''}${rows}] |

Batch (of at least one row) and length are free. \`attention_mask\` is 1 at tokens and 0 at padding, which is ignored.

For TensorFlow Serving the folder's name has to be a number, such as \`served/NAME/1\`.
`
}
