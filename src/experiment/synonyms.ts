const MICRO_BATCH = {
  key: 'training.micro_batch_size',
  note: 'These are the rows that are computed at once: batch_size divided by the steps of accumulation.',
}

/** What another tool's key means here. */
type Synonym =
  | {
      /** Our dotted key. */
      key: string
      /** Says where it is counted or written differently. */
      note?: string
      /** What it means for methods without that key. */
      otherwise?: Synonym
    }
  | {
      /** Says what to do, since no key of ours has that meaning. */
      note: string
      /** Our key next to which the other tool has it. */
      beside: string
    }

const BACKBONES: Synonym = { beside: 'method.length', note: "Leave it out: it is the backbone's." }
const START: Synonym = { beside: 'method.targets', note: "Leave it out: the start is that of peft's true." }
const SEVERAL: Synonym = {
  beside: 'method.rank',
  note: 'A list of methods, each with its own targets or placement, has several ranks.',
}

const NO_DROPOUT: Synonym = {
  beside: 'method.kind',
  note: 'Leave it out: the only dropout of a method here is that of LoRA and VeRA, in front of their products.',
}

/** Names of peft that no other tool has for something else. */
const PEFT: Record<string, Synonym> = {
  peft_type: { key: 'method.kind' },
  r: { key: 'method.rank' },
  lora_alpha: { key: 'method.alpha' },
  lora_dropout: { key: 'method.dropout' },
  vera_dropout: { key: 'method.dropout' },
  use_rslora: { key: 'method.rank_stabilised' },
  use_dora: { key: 'method.magnitudes' },
  target_modules: {
    key: 'method.targets',
    note: 'Names are q, k, v, o, wi, wo for most backbones; all-linear is all.',
    otherwise: {
      key: 'method.placement',
      note: 'It has sublayers, encoder_layers and decoder_layers; the products there are not chosen.',
    },
  },
  exclude_modules: { key: 'method.targets', note: 'They name what is changed.' },
  feedforward_modules: { key: 'method.scaled_inputs' },
  layers_to_transform: { key: 'method.placement', note: 'It has encoder_layers and decoder_layers.' },
  layers_pattern: { key: 'method.placement', note: 'It has encoder_layers and decoder_layers.' },
  modules_to_save: {
    key: 'method.train_lm_head',
    note: "train_layer_norms is for the layer norms; an encoder's own head is always trained.",
  },
  projection_prng_key: { key: 'method.projection_seed' },
  num_virtual_tokens: { key: 'method.length' },
  prompt_tuning_init: { key: 'method.start', note: 'It is random, or vocabulary, which takes the first tokens.' },
  encoder_hidden_size: { key: 'method.bottleneck' },
  prefix_projection: { key: 'method.bottleneck', note: 'none stands for false.' },
  task_type: { key: 'task.kind', note: 'Whether an answer is generated depends on the backbone.' },
  base_model_name_or_path: { key: 'backbone' },
  bias: {
    beside: 'method.targets',
    note: 'No bias is trained, as with none in peft; the method bitfit, in a list with this one, trains them.',
  },
  ...{ init_lora_weights: START, init_ia3_weights: START, init_weights: START },
  inference_mode: { beside: 'method.kind', note: 'Leave it out: the command says whether it is trained.' },
  ...{ rank_dropout: NO_DROPOUT, module_dropout: NO_DROPOUT },
  lora_bias: { beside: 'method.targets', note: 'Leave it out: no bias is trained, as with false in peft.' },
  eva_config: { beside: 'method.targets', note: 'Leave it out: no start is computed from the data.' },
  trainable_token_indices: {
    beside: 'method.targets',
    note: 'Leave it out: single rows of the embedding table are not trained.',
  },
  prompt_tuning_init_text: {
    key: 'method.start',
    note: 'It is random, or vocabulary, which takes the first tokens; there is no start from a text.',
  },
  ...{ rank_pattern: SEVERAL, alpha_pattern: SEVERAL },
  ...{ token_dim: BACKBONES, num_layers: BACKBONES, num_attention_heads: BACKBONES },
  fan_in_fan_out: { beside: 'method.targets', note: 'Leave it out: the layout of the weights is known.' },
  save_projection: {
    beside: 'method.projection_seed',
    note: 'Leave it out: the projections are drawn from projection_seed, and exports for peft have them.',
  },
}

/** Names in transformers, peft, adapters, torchtune and the paper's code for our keys. */
const SYNONYMS: Record<string, Synonym> = {
  ...PEFT,
  lr: { key: 'training.learning_rate' },
  max_steps: { key: 'training.steps' },
  num_steps: { key: 'training.steps' },
  num_train_epochs: { key: 'training.epochs' },
  num_epochs: { key: 'training.epochs' },
  max_epochs: { key: 'training.epochs' },
  per_device_train_batch_size: { key: 'training.batch_size' },
  train_batch_size: { key: 'training.batch_size' },
  per_device_eval_batch_size: { key: 'training.evaluation_batch_size' },
  eval_batch_size: { key: 'training.evaluation_batch_size' },
  gradient_accumulation_steps: MICRO_BATCH,
  gradient_accumulation: MICRO_BATCH,
  accumulation_steps: MICRO_BATCH,
  accumulate_grad_batches: MICRO_BATCH,
  accumulate: MICRO_BATCH,
  lr_scheduler_type: { key: 'training.schedule' },
  lr_scheduler: { key: 'training.schedule' },
  lr_schedule: { key: 'training.schedule' },
  learning_rate_schedule: { key: 'training.schedule' },
  scheduler: { key: 'training.schedule' },
  warmup: { key: 'training.warmup_steps' },
  warmup_ratio: { key: 'training.warmup_steps', note: 'A value between 0 and 1 is a share of the run.' },
  early_stopping_patience: { key: 'training.patience' },
  early_stopping: { key: 'training.patience' },
  metric_for_best_model: { key: 'training.best_metric' },
  eval_steps: { key: 'training.evaluate_every' },
  save_steps: { key: 'training.checkpoint_every' },
  max_grad_norm: { key: 'training.gradient_clip_norm' },
  max_source_length: { key: 'training.source_length' },
  max_seq_length: { key: 'training.source_length' },
  max_target_length: { key: 'training.target_length' },
  dropout_rate: { key: 'training.dropout' },
  bf16: { key: 'training.precision', note: 'Its value is then bfloat16.' },
  gradient_checkpointing: { key: 'training.checkpoint_activations' },
  model: { key: 'backbone' },
  model_name_or_path: { key: 'backbone' },
  base_model: { key: 'backbone' },
  phm_dim: { key: 'method.n' },
  hypercomplex_division: { key: 'method.n' },
  hypercomplex_divisions: { key: 'method.n' },
  phm_rank: { key: 'method.rank' },
  adapter_reduction_factor: { key: 'method.reduction_factor' },
  task_reduction_factor: { key: 'method.reduction_factor' },
  prompt_length: { key: 'method.length' },
  prefix_length: { key: 'method.length' },
  bottleneck_size: { key: 'method.bottleneck' },
  data: { key: 'task.train', note: 'The other splits are task.validation and task.test.' },
  train_file: { key: 'task.train' },
  validation_file: { key: 'task.validation' },
  test_file: { key: 'task.test' },
  dataset_name: { key: 'task.dataset' },
}

/** Whether another tool's name means this key of ours. */
export function meansKey(name: string, dotted: string): boolean {
  const synonym = synonymOf(name)
  return synonym !== undefined && 'key' in synonym && synonym.key === dotted
}

/** Returns what another tool's name means here; it may also be written with dashes or in capitals. */
export function synonymOf(name: string): Synonym | undefined {
  const plain = name.toLowerCase().replaceAll('-', '_')
  return Object.hasOwn(SYNONYMS, plain) ? SYNONYMS[plain] : undefined
}
