const MICRO_BATCH = {
  key: 'training.micro_batch_size',
  note: 'These are the rows that are computed at once: batch_size divided by the steps of accumulation.',
}

/**
 * Names in transformers, peft, adapters, torchtune and the paper's code for our keys. `note` says where our key is
 * counted differently.
 */
const SYNONYMS: Record<string, { key: string; note?: string }> = {
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
  r: { key: 'method.rank' },
  phm_dim: { key: 'method.n' },
  hypercomplex_division: { key: 'method.n' },
  hypercomplex_divisions: { key: 'method.n' },
  phm_rank: { key: 'method.rank' },
  adapter_reduction_factor: { key: 'method.reduction_factor' },
  task_reduction_factor: { key: 'method.reduction_factor' },
  num_virtual_tokens: { key: 'method.length' },
  prompt_length: { key: 'method.length' },
  prefix_length: { key: 'method.length' },
  bottleneck_size: { key: 'method.bottleneck' },
  data: { key: 'task.train', note: 'The other splits are task.validation and task.test.' },
  train_file: { key: 'task.train' },
  validation_file: { key: 'task.validation' },
  test_file: { key: 'task.test' },
  dataset_name: { key: 'task.dataset' },
}

/** Returns our dotted key for another tool's name, which may also be written with dashes or in capitals. */
export function synonymOf(name: string): { key: string; note?: string } | undefined {
  const plain = name.toLowerCase().replaceAll('-', '_')
  return Object.hasOwn(SYNONYMS, plain) ? SYNONYMS[plain] : undefined
}
