import type { KeyValue, Memory } from '../../backbone/encoder_decoder.js'
import { contextual, decode, encode, head, headLogits, remember } from '../../backbone/forward.js'
import type { Hooks } from '../../backbone/hooks.js'
import type { Pass } from '../../backbone/pass.js'
import { type BackboneConfig, onlyEncoder, readsSegments } from '../../backbone/registry.js'
import type { Precision } from '../../base/choices.js'
import type { Tensors } from '../../method/method.js'
import { noDropout } from '../../tensor/dropout.js'
import { lookUp } from '../../tensor/embedding.js'
import { logProbabilityAt } from '../../tensor/log_probability.js'
import type { Made } from '../../tensor/made.js'
import tf from '../../tensor/tf.cjs'
import { Inputs } from '../capture/inputs.js'
import { Recorder } from '../capture/recorder.js'
import { readVariable } from '../capture/variables.js'
import { constant, Graph } from '../graph/graph.js'
import type { Library } from '../graph/library.js'
import type { Dtype, Values } from '../graph/tensor.js'
import { type NodeGraph, readGraph } from './node.js'

/** A backbone and the method in it, without values. */
export interface Served {
  config: BackboneConfig
  /** Returns the method's hooks, given its tensors. */
  hooks(tensors: Tensors): Hooks
  /** Shapes of all tensors: the backbone's, the trained ones, those drawn from the seed. */
  shapes: Map<string, number[]>
  /** What matrices are multiplied in; float32 by default. */
  precision?: Precision
  /** Returns the type of a tensor's variable; float32 by default. */
  typeOf?: (name: string) => Dtype
}

/** Names of what one layer keeps between the decoder's steps. */
export const pastNames = (layer: number) => ({ keys: `past/${layer}/keys`, values: `past/${layer}/values` })
/** Names of what the encoder leaves for one layer's cross-attention. */
export const memoryNames = (layer: number) => ({ keys: `memory/${layer}/keys`, values: `memory/${layer}/values` })
/** Returns the operation behind an output of a piece. */
export const outputName = (name: string) => `output/${name}`

/**
 * Returns the encoder for `source_ids` and `attention_mask` [batch, length]: outputs `hidden_states` [batch, prompt +
 * length, d], `mask` [batch, 1, 1, prompt + length], and keys and values of every layer's cross-attention.
 */
export function encoderPiece(library: Library, served: Served, [batch, length]: number[]): NodeGraph {
  return captured(library, served, ({ pass, input, output }) => {
    const ofSource = (name: string) => input(name, 'int32', [batch!, length!]) as tf.Tensor2D
    const encoded = encode(pass, ofSource('source_ids'), ofSource('attention_mask'))
    output('hidden_states', tf.reshape(encoded.hidden, [batch!, -1, served.config.dModel]))
    output('mask', encoded.mask)
    for (const [layer, { keys, values }] of remember(pass, encoded).layers.entries()) {
      output(memoryNames(layer).keys, keys)
      output(memoryNames(layer).values, values)
    }
  })
}

/**
 * Returns one step of the decoder for `ids` [batch, 1] after `past` others, on a memory of `length`: outputs `chosen`
 * [batch], the most likely next ids, and the past that now includes these ids.
 */
export function decoderPiece(library: Library, served: Served, [batch, length, past]: number[]): NodeGraph {
  const { heads, dKv, decoderLayers } = served.config
  return captured(library, served, (piece) => {
    const { pass, input, output } = piece
    const ids = input('ids', 'int32', [batch!, 1]) as tf.Tensor2D
    const pasts = Array.from({ length: decoderLayers }, (_, layer) =>
      keyValueOf(piece, pastNames(layer), [batch!, heads, past!, dKv]),
    )
    const decoded = decode(pass, ids, memoryOf(piece, served, batch!, length!), pasts)
    output('chosen', tf.argMax(head(pass, decoded.hidden), 1))
    for (const [layer, { keys, values }] of decoded.past.entries()) {
      output(pastNames(layer).keys, keys)
      output(pastNames(layer).values, values)
    }
  })
}

/** The encoder's output of `length` positions, as inputs of a piece of the decoder. */
function memoryOf(piece: Piece, { config }: Served, batch: number, length: number): Memory {
  const { heads, dKv, decoderLayers } = config
  const layers = Array.from({ length: decoderLayers }, (_, layer) => {
    const prefix = piece.pass.hooks.prefix?.({ stack: 'decoder', layer, sublayer: 'cross_attention' })?.length ?? 0
    return keyValueOf(piece, memoryNames(layer), [batch, heads, prefix + length, dKv])
  })
  return { layers, mask: piece.input('mask', 'float32', [batch, 1, 1, length]) as tf.Tensor4D }
}

function keyValueOf({ input }: Piece, names: ReturnType<typeof pastNames>, shape: number[]): KeyValue {
  const of = (name: string) => input(name, 'float32', shape) as tf.Tensor4D
  return { keys: of(names.keys), values: of(names.values) }
}

/**
 * Returns the decoder for `count` candidates of each row, `ids` [batch·count, tokens], on a memory of `length`: the
 * output `hidden` [batch·count·tokens, d].
 */
export function candidatesPiece(library: Library, served: Served, [batch, length, count, tokens]: number[]): NodeGraph {
  return captured(library, served, (piece) => {
    const ids = piece.input('ids', 'int32', [batch! * count!, tokens!]) as tf.Tensor2D
    piece.output('hidden', decode(piece.pass, ids, memoryOf(piece, served, batch!, length!)).hidden)
  })
}

/**
 * Returns the log-likelihoods of tokens, `gains` [tokens]: that of id `places[i][1]`, where `places[i][0]` is i, is
 * computed from row `positions[i]` of `hidden` [rows, d].
 */
export function gainsPiece(library: Library, served: Served, [rows, tokens]: number[]): NodeGraph {
  return captured(library, served, ({ pass, input, output }) => {
    const hidden = input('hidden', 'float32', [rows!, served.config.dModel]) as tf.Tensor2D
    const positions = input('positions', 'int32', [tokens!]) as tf.Tensor1D
    const places = input('places', 'int32', [tokens!, 2]) as tf.Tensor2D
    output('gains', logProbabilityAt(head(pass, lookUp(hidden, positions)), places))
  })
}

/**
 * Returns an encoder with its head, for `input_ids`, `attention_mask` and, where it reads which text of a pair a token
 * is of, `token_type_ids` [batch, length]: the output `logits` [batch, rows of the head], of
 * tokens [batch, length, rows].
 */
export function headPiece(library: Library, served: Served, [batch, length]: number[]): NodeGraph {
  return captured(library, served, ({ pass, input, output }) => {
    const { head } = onlyEncoder(pass.config)
    if (!head) throw new Error('the encoder has no head')
    const of = (name: string) => input(name, 'int32', [batch!, length!]) as tf.Tensor2D
    const segments = readsSegments(pass.config) ? { segments: of('token_type_ids') } : {}
    const inputs = { ids: of('input_ids'), mask: of('attention_mask'), ...segments }
    const logits = headLogits(pass, contextual(pass, inputs, head), head)
    output('logits', head.kind === 'tokens' ? tf.reshape(logits, [batch!, length!, -1]) : logits)
  })
}

interface Piece {
  pass: Pass
  input(name: string, type: Dtype, shape: number[]): tf.Tensor
  output(name: string, tensor: tf.Tensor): void
}

function captured(library: Library, served: Served, body: (piece: Piece) => void): NodeGraph {
  const { config, hooks, shapes, precision = 'float32', typeOf = () => 'float32' } = served
  const graph = new Graph(library)
  const inputs = new Inputs(graph)
  let constants = 0
  const large = (values: Values) => constant(graph, `large_${constants++}`, values)
  const made = ({ shape, make }: Made) => large({ shape, data: make() })
  const recorder = new Recorder(graph, { inputs: new Map(), large, made, precision })
  const known = new Map<string, tf.Tensor>()
  const weight = (name: string): tf.Tensor => {
    const shape = shapes.get(name)
    if (!shape) throw new Error(`the model has no tensor ${name}`)
    if (!known.has(name)) known.set(name, recorder.tensor(readVariable(graph, { name, shape, type: typeOf(name) })))
    return known.get(name)!
  }
  try {
    recorder.record(() =>
      body({
        pass: { config, weight, hooks: hooks(weight), dropout: noDropout, at: recorder.at },
        input: (name, type, shape) => recorder.tensor(inputs.placeholder(name, type, shape)),
        output(name, tensor) {
          const output = recorder.output(tensor)
          const attributes = { T: { type: graph.typeOf(output) } }
          graph.add({ type: 'Identity', name: outputName(name), inputs: [output], attributes })
        },
      }),
    )
    inputs.checkRead()
    return readGraph(graph.serialised())
  } finally {
    graph.free()
  }
}
