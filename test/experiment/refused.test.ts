import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { presetNames } from '../../src/base/presets.js'
import { packageRoot } from '../../src/base/root.js'
import { loadExperiment } from '../../src/experiment/load/load.js'
import { complaint, good } from '../support/trial_experiment.js'

describe('a bad experiment names the place, the fault and what would work', () => {
  const method = (keys: string) => good.replace('method: compacter', `method:\n  preset: compacter\n  ${keys}`)
  const training = (keys: string) => good.replace('{ steps: 10 }', `{ ${keys} }`)
  const task = (keys: string) =>
    good.replace('task: rotten-tomatoes', `task: { name: moods, prompt: '{sentence}', label: mood, ${keys} }`)
  const files = 'train: rows.csv, validation: rows.csv, test: rows.csv'

  test.each([
    [
      'n that divides neither',
      method('n: 5'),
      'DIR/trial.yaml:4:3: method.n is 5; it must divide d_model (256) and the bottleneck (8). Nearest that do: 4 or 8; all: 1, 2, 4, 8.',
    ],
    [
      'n that divides d_model only',
      method('n: 16'),
      'DIR/trial.yaml:4:3: method.n is 16; it must divide d_model (256) and the bottleneck (8). Nearest that does: 8; all: 1, 2, 4, 8.',
    ],
    [
      'reduction factor',
      method('reduction_factor: 24'),
      'DIR/trial.yaml:4:3: method.reduction_factor is 24; it must divide d_model (256). Nearest that do: 16 or 32; all: 1, 2, 4, 8, 16, 32, 64, 128, 256.',
    ],
    [
      "a factor that the preset's n does not fit, at the factor",
      method('reduction_factor: 128'),
      'DIR/trial.yaml:4:3: method.n is 4; it must divide d_model (256) and the bottleneck (2). The preset has method.n: 4. Nearest that does: 2; all: 1, 2.',
    ],
    [
      "targets that the preset's scaled inputs do not fit, at the targets",
      method('targets: [k, v]').replace('compacter', 'ia3'),
      'DIR/trial.yaml:4:3: method.scaled_inputs names "wo", which is not one of method.targets. The preset has method.scaled_inputs: ["wo"]. Set method.scaled_inputs: [], or add wo to method.targets.',
    ],
    [
      'the same in one of several methods',
      good.replace('method: compacter', 'method: [compacter, { preset: ia3, targets: [k, v] }]'),
      'DIR/trial.yaml:2:36: method.1.scaled_inputs names "wo", which is not one of method.1.targets. The preset has method.1.scaled_inputs: ["wo"]. Set method.1.scaled_inputs: [], or add wo to method.1.targets.',
    ],
    [
      'scaled inputs that are no targets, where they are written',
      method('scaled_inputs: [k, q]').replace('compacter', 'ia3'),
      'DIR/trial.yaml:4:3: method.scaled_inputs names "q", which is not one of method.targets. Set method.scaled_inputs: [k], or add q to method.targets.',
    ],
    [
      'misspelt key',
      method('reductoin_factor: 16'),
      'DIR/trial.yaml:4:3: method has no key reductoin_factor. Did you mean reduction_factor?',
    ],
    [
      'key of nothing',
      training('steps: 10, zzz: 1'),
      'DIR/trial.yaml:4:24: training has no key zzz. Keys: epochs, steps, batch_size, micro_batch_size, evaluation_batch_size, evaluation_rows, learning_rate, optimizer, weight_decay, schedule, warmup_steps, seed, start_from, group_by_length, scoring, best_metric, patience, evaluate_every, checkpoint_every, keep, source_length, target_length, label_smoothing, gradient_clip_norm, dropout, engine_mode, precision, checkpoint_activations, tensorboard.',
    ],
    [
      'workers, which ranks have replaced',
      training('steps: 10, workers: slurm'),
      'DIR/trial.yaml:4:24: training has no key workers. Start one training as several processes: mpirun -n 4 compacter train … --mpi.',
    ],
    [
      'misspelt section',
      good.replace('training', 'trainning'),
      'DIR/trial.yaml:1:1: An experiment has no training. Needed: How it is trained.\nDIR/trial.yaml:4:1: An experiment has no key trainning. Did you mean training?',
    ],
    [
      'a file for a folder, which is not what was meant',
      task('benchmark: glue/sst2, path: trial.yaml').replace(', label: mood', ''),
      'DIR/trial.yaml:3:66: task.path is "DIR/trial.yaml", which is not a folder.',
    ],
    [
      'text for a number',
      method('n: four'),
      'DIR/trial.yaml:4:3: method.n is "four"; it must be a whole number. The default is 4.',
    ],
    [
      'fraction for a whole number',
      training('steps: 1.5'),
      'DIR/trial.yaml:4:13: training.steps is 1.5; it must be a whole number.',
    ],
    ['number too small', training('steps: 0'), 'DIR/trial.yaml:4:13: training.steps is 0; it must be at least 1.'],
    [
      'number too large',
      training('steps: 1, dropout: 1'),
      'DIR/trial.yaml:4:23: training.dropout is 1; it must be below 1.',
    ],
    [
      'misspelt value',
      method('nonlinearity: gelo'),
      'DIR/trial.yaml:4:3: method.nonlinearity is "gelo"; it must be one of gelu_new, gelu, quick_gelu, relu, relu6, leaky_relu, elu, swish, mish, tanh, sigmoid, linear. Did you mean gelu?',
    ],
    [
      'item of a list',
      method('placement: { sublayers: [attention, feedforward] }'),
      'DIR/trial.yaml:4:39: method.placement.sublayers.1 is "feedforward"; it must be one of attention, cross_attention, feed_forward. Did you mean feed_forward?',
    ],
    [
      'item twice',
      method('placement: { sublayers: [attention, attention] }'),
      'DIR/trial.yaml:4:16: method.placement.sublayers is ["attention","attention"]; it must not name a sublayer twice.',
    ],
    [
      'layers in words',
      method('placement: { encoder_layers: five }'),
      'DIR/trial.yaml:4:16: method.placement.encoder_layers is "five"; it must be all, a list of layer numbers such as [0, 3, 5], or a range such as 5-11 or 5-.',
    ],
    [
      'layers beyond the last',
      method('placement: { decoder_layers: 2-5 }'),
      'DIR/trial.yaml:4:16: method.placement.decoder_layers names layer 4; the decoder has 4 layers. Layers are numbered 0 to 3.',
    ],
    [
      'both epochs and steps',
      training('epochs: 3, steps: 10'),
      'DIR/trial.yaml:4:24: training has both epochs and steps. Keep one of the two; --set training.epochs=null takes the other out.',
    ],
    [
      'neither epochs nor steps',
      training('seed: 1'),
      'DIR/trial.yaml:4:1: training has neither epochs nor steps. Needed: one of the two.',
    ],
    [
      'unknown task',
      good.replace('rotten-tomatoes', 'rotten-potatoes'),
      'DIR/trial.yaml:3:1: task is "rotten-potatoes"; there is no such preset. Did you mean rotten-tomatoes?',
    ],
    [
      'unknown method',
      good.replace('compacter', 'compactor'),
      'DIR/trial.yaml:2:1: method is "compactor"; there is no such preset. Did you mean compacter?',
    ],
    [
      'unknown backbone',
      good.replace('t5-nano', 't5-bas'),
      'DIR/trial.yaml:1:1: backbone is "t5-bas"; there is no such preset or directory, and a hub id is owner/name. Did you mean t5-base?',
    ],
    [
      'missing directory',
      good.replace('t5-nano', './t5'),
      'DIR/trial.yaml:1:1: backbone is "./t5"; there is no such directory: DIR/t5.',
    ],
    [
      'directory of something else',
      good.replace('t5-nano', '.'),
      'DIR: has no config.json. The folder of a Hugging Face model was expected.',
    ],
    [
      'unknown kind',
      good.replace('compacter', '{ kind: bitfti, learning_rate: 1 }'),
      'DIR/trial.yaml:2:11: method.kind is "bitfti"; it must be one of full, intrinsic, adapter, compacter, bitfit, prompt_tuning, prefix_tuning, lora, ia3, lokr, vera, layer_norm_tuning, union. Did you mean bitfit?\nDIR/trial.yaml:4:1: training has no learning_rate. Needed: Peak learning rate; default: the method preset\'s own.',
    ],
    [
      'prefix of a feed-forward sublayer',
      good.replace('compacter', '{ preset: prefix-tuning, placement: { sublayers: [feed_forward] } }'),
      'DIR/trial.yaml:2:59: method.placement.sublayers.0 is "feed_forward"; it must be attention or cross_attention: feed_forward has no keys and values.',
    ],
    [
      'prefix nowhere',
      good.replace('compacter', '{ preset: prefix-tuning, placement: { encoder_layers: [], decoder_layers: [] } }'),
      'DIR/trial.yaml:2:34: method.placement chooses no attention of the backbone. Choose more sublayers or more layers.',
    ],
    [
      'adapters nowhere on an encoder',
      good
        .replace('t5-nano', 'bert-nano')
        .replace('compacter', '{ preset: compacter, placement: { sublayers: [cross_attention] } }'),
      'DIR/trial.yaml:2:30: method.placement chooses no sublayer of the backbone. Choose more sublayers or more layers.',
    ],
    [
      'kind against preset',
      method('kind: bitfit'),
      'DIR/trial.yaml:4:3: method.kind is "bitfit"; the preset "compacter" is of kind "compacter". Keep one of preset and kind.',
    ],
    [
      'no preset',
      good.replace('method: compacter', 'method: { n: 4 }'),
      `DIR/trial.yaml:2:1: method has neither preset nor kind. Presets: ${presetNames('methods').join(', ')}.`,
    ],
    [
      'missing data file',
      task('train: row.csv, validation: rows.csv, test: rows.csv'),
      'DIR/trial.yaml:3:57: task.train is "row.csv"; there is no file DIR/row.csv. Did you mean rows.csv?',
    ],
    [
      'missing split',
      task('train: rows.csv, validation: rows.csv'),
      'DIR/trial.yaml:3:1: task has no test. Name the files of train, validation and test; or set task.split to halves (validation gives test too), held_out (train gives validation too) or both_held_out (train gives both).',
    ],
    [
      'label that is not text',
      task(`${files}, labels: { happy: [1] }`),
      'DIR/trial.yaml:3:122: task.labels.happy is [1]; it must be text.',
    ],
    [
      'name with a slash',
      `name: a/b\n${good}`,
      'DIR/trial.yaml:1:1: name is "a/b"; it must be letters, digits, dots, dashes and underscores: it names the run directory.',
    ],
    ['key twice', `${good}task: rotten-tomatoes\n`, 'DIR/trial.yaml:5:1: task occurs twice. Keep one of the two.'],
    [
      'broken YAML',
      'backbone: [t5-nano\nmethod: compacter\n',
      'DIR/trial.yaml:2:1: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ].',
    ],
    [
      'empty file',
      '',
      'DIR/trial.yaml:1:1: an experiment is empty; it must be a mapping of keys to values. compacter config show quickstart prints one.',
    ],
  ])('%s', (_name, text, message) => {
    expect(complaint(text)).toBe(message)
  })

  test('a value that came from a preset is located in the preset', () => {
    expect(complaint(good.replace('compacter', 'adapterdrop')).split('\n')).toEqual([
      'configs/methods/adapterdrop.yaml:6:14: method.placement.encoder_layers names layer 5; the encoder has 4 layers. Layers are numbered 0 to 3.',
      'configs/methods/adapterdrop.yaml:6:34: method.placement.decoder_layers names layer 5; the decoder has 4 layers. Layers are numbered 0 to 3.',
    ])
  })

  test('all problems at once, in the order of the file', () => {
    const text = `backbone: t5-nano
method: { preset: compacter, n: 3, rnak: 2 }
task: rotten-tomatoes
training: { epochs: many, batch_size: 0 }
`
    expect(complaint(text).split('\n')).toEqual([
      'DIR/trial.yaml:2:30: method.n is 3; it must divide d_model (256) and the bottleneck (8). Nearest that do: 2 or 4; all: 1, 2, 4, 8.',
      'DIR/trial.yaml:2:36: method has no key rnak. Did you mean rank?',
      'DIR/trial.yaml:4:13: training.epochs is "many"; it must be a whole number.',
      'DIR/trial.yaml:4:27: training.batch_size is 0; it must be at least 1.',
    ])
  })

  test.each([
    [
      'experiments/quikstart.yaml',
      'experiments/quikstart.yaml: there is no such file. Did you mean experiments/quickstart.yaml?',
    ],
    ['quikstart', 'quikstart: there is no such file. Did you mean quickstart?'],
    ['quickstart.yaml', 'quickstart.yaml: there is no such file. Did you mean quickstart?'],
    ['paper/compcter', 'paper/compcter: there is no such file. Did you mean paper/compacter?'],
    [
      'paper/lora',
      'paper/lora: there is no such file. lora is a method; this trains with it: compacter train quickstart --set method=lora.',
    ],
    [
      'compacter++',
      "compacter++: there is no such file. compacter++ is a method; this trains with it: compacter train quickstart --set method=compacter++. With the paper's settings: compacter train paper/compacter++.",
    ],
    [
      'glue/rte',
      'glue/rte: there is no such file. glue/rte is a task; this trains with it: compacter train quickstart --set task=glue/rte.',
    ],
    [
      'bert-base-uncased.yaml',
      'bert-base-uncased.yaml: there is no such file. bert-base-uncased is a backbone; this trains with it: compacter train quickstart --set backbone=bert-base-uncased.',
    ],
  ])('a missing experiment file: %s', (path, message) => {
    expect(() => loadExperiment(path)).toThrow(expect.objectContaining({ message, exitCode: 2 }))
  })
})

test('a sweep instead of an experiment is recognised, by its file and by its name', () => {
  const message = (name: string) =>
    `${name}: is a sweep, many experiments in one; one experiment is needed here. Train all of them with: compacter sweep run ${name} (--dry-run checks them).`
  expect(() => loadExperiment('quick')).toThrow(expect.objectContaining({ message: message('quick'), exitCode: 2 }))
  const file = join(packageRoot, 'configs/sweeps/quick.yaml')
  expect(() => loadExperiment(file)).toThrow(message(file))
})

describe('a bad --set is reported by its own name', () => {
  test.each([
    [
      'method.n=5',
      '--set method.n=5: method.n is 5; it must divide d_model (256) and the bottleneck (8). Nearest that do: 4 or 8; all: 1, 2, 4, 8.',
    ],
    [
      'method.preset=adaptor',
      '--set method.preset=adaptor: method is "adaptor"; there is no such preset. Did you mean adapter?',
    ],
    ['method.nn=5', '--set method.nn=5: method has no key nn. Did you mean n?'],
    [
      'training.epochs=5',
      'DIR/trial.yaml:4:13: training has both epochs and steps. Keep one of the two; --set training.epochs=null takes the other out.',
    ],
    ['method.n', '--set method.n: is not of the form key=value. For instance: --set method.n=8.'],
    ['=8', '--set =8: is not of the form key=value. For instance: --set method.n=8.'],
    ['name.first=8', '--set name.first=8: name is not a mapping of keys to values.'],
    ['method.n=[1', '--set method.n=[1: the value is not valid YAML: Flow sequence must end with a ]. Quote it.'],
  ])('--set %s', (override, message) => {
    expect(complaint(good, override)).toBe(message)
  })
})
