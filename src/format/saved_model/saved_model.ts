import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { madeTokenizer } from '../../backbone/files/vocabulary/make_tokenizer.js'
import { headOf, type Seq2SeqConfig, withDecoder } from '../../backbone/registry.js'
import { copyFile, writeAtomically } from '../../base/files/atomic.js'
import {
  ATTENTION_MASK,
  decodingGraph,
  HIDDEN_STATES,
  OUTPUT_IDS,
  SOURCE_IDS,
} from '../../engine/decoding/decoding_graph.js'
import { variableNodes } from '../../engine/decoding/node.js'
import type { Library } from '../../engine/graph/library.js'
import { startTensorflow } from '../../engine/graph/start.js'
import { type OpenedBackbone, prepareBackbone } from '../../engine/prepare/prepare.js'
import type { ExportFormat, Trained } from '../format.js'
import { ownFiles } from '../readme/own_files.js'
import { saverNodes, writeVariables } from './checkpoint.js'
import { answering, type Serving, TOKENIZER } from './encoder.js'
import { type Described, type Signature, savedModel } from './meta_graph.js'
import { trainedModel } from './values.js'

/**
 * TensorFlow's own format: backbone and method in one graph that reads token ids and writes token ids, or what the head
 * of an encoder says.
 */
export const savedModelFormat: ExportFormat = {
  refusal: () => undefined,
  holdsBackbone: true,
  async write(folder, trained) {
    const { library, device } = await startTensorflow(
      '--format saved-model',
      'needs TensorFlow itself, which writes the variables',
    )
    const backbone = await prepareBackbone(trained.experiment, trained.progress)
    try {
      return await writeSavedModel(folder, trained, backbone, { library, version: device.version })
    } finally {
      backbone.files.close()
    }
  },
}

async function writeSavedModel(
  folder: string,
  trained: Trained,
  backbone: OpenedBackbone,
  { library, version }: { library: Library; version: string },
): Promise<string> {
  const model = trainedModel(trained, backbone)
  const { shapes } = model.served
  try {
    trained.progress.phase('Graph')
    const reading = (names: string[]) => names.flatMap((name) => variableNodes(name, shapes.get(name)!))
    const serving = headOf(backbone.config) ? answering : writing
    const own = await ownFiles(trained.experiment, backbone.config)
    const { graph, signatures, readme } = serving(library, model.served, reading, trained, own)
    const { nodes, versions, variables } = graph
    trained.progress.phase('Variables')
    const stored = new Map(variables.map((name) => [name, shapes.get(name)!]))
    mkdirSync(join(folder, 'variables'))
    await writeVariables(library, join(folder, 'variables', 'variables'), stored, model.read, versions)
    const whole = { nodes: [...nodes, ...saverNodes(variables)], versions }
    writeAtomically(join(folder, 'saved_model.pb'), savedModel(whole, variables, signatures, version))
    mkdirSync(join(folder, 'assets.extra'))
    const { tokenizerFile } = backbone.files
    const made = madeTokenizer(tokenizerFile)
    if (made) writeAtomically(join(folder, TOKENIZER), JSON.stringify(made))
    else copyFile(tokenizerFile, join(folder, TOKENIZER))
    return readme
  } finally {
    model.free()
  }
}

/** The graph of a backbone that writes texts. */
const writing: Serving = (library, served, reading, { experiment }) => {
  const { source_length, target_length = LONGEST } = experiment.training
  return {
    graph: decodingGraph(library, served, { maxLength: target_length, reading }),
    signatures: signaturesOf(served.config.dModel),
    readme: readme(source_length, target_length, withDecoder(served.config)),
  }
}

/** The most ids of an output where the experiment does not say. */
const LONGEST = 128

function signaturesOf(d: number): Record<string, Signature> {
  const inputs = { [SOURCE_IDS]: ids(SOURCE_IDS), [ATTENTION_MASK]: ids(ATTENTION_MASK) }
  const hidden: Described = { tensor: HIDDEN_STATES, type: 'float32', shape: [-1, -1, d] }
  return {
    serving_default: { inputs, outputs: { [OUTPUT_IDS]: ids(OUTPUT_IDS) } },
    encode: { inputs, outputs: { [HIDDEN_STATES]: hidden } },
  }
}

const ids = (tensor: string): Described => ({ tensor, type: 'int32', shape: [-1, -1] })

const readme = (
  sourceLength: number,
  targetLength: number,
  { padId, eosId }: Seq2SeqConfig,
) => `A TensorFlow SavedModel: backbone and method are inside, the tokenizer is not (TensorFlow has no operation
for it), it lies in \`${TOKENIZER}\`. In this folder, after \`pip install tensorflow tokenizers\`:

\`\`\`python
import tensorflow as tf
from tokenizers import Tokenizer

tokenizer = Tokenizer.from_file("${TOKENIZER}")
tokenizer.enable_truncation(${sourceLength})
tokenizer.enable_padding(pad_id=${padId})
model = tf.saved_model.load(".")

def predict(texts):
    encodings = tokenizer.encode_batch(texts)
    output_ids = model.signatures["serving_default"](
        source_ids=tf.constant([encoding.ids for encoding in encodings], tf.int32),
        attention_mask=tf.constant([encoding.attention_mask for encoding in encodings], tf.int32),
    )["output_ids"]
    return tokenizer.decode_batch(output_ids.numpy().tolist())

print(predict(["…"]))
\`\`\`

| signature | inputs | output |
|---|---|---|
| \`serving_default\` | \`source_ids\`, \`attention_mask\` int32 [batch, length] | \`output_ids\` int32 [batch, steps] |
| \`encode\` | \`source_ids\`, \`attention_mask\` int32 [batch, length] | \`hidden_states\` float32 [batch, length, d] |

Batch (of at least one row) and length are free. Outputs have at most ${targetLength} steps. Sources end with
\`</s>\` (the tokenizer's own last step). \`attention_mask\` is 1 at tokens and 0 at padding, which is ignored.
Outputs are decoded greedily; a row ends with \`</s>\` (${eosId}), then ${padId}; one that was cut has no \`</s>\`.
After prompt tuning the prompt's vectors come before the hidden states.

For TensorFlow Serving the folder's name has to be a number:

    docker run -p 8501:8501 -v "$PWD:/models/t5/1" -e MODEL_NAME=t5 tensorflow/serving
    curl localhost:8501/v1/models/t5:predict -d \\
      '{"inputs": {"source_ids": [[100, 200, ${eosId}]], "attention_mask": [[1, 1, 1]]}}'
`
