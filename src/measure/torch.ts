import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BackboneConfig, familyOf, isEncoder } from '../backbone/registry.js'
import { UserError } from '../base/error.js'
import { median } from '../base/numbers/quantile.js'
import { methodKind } from '../method/options.js'
import { killed, runProgram } from './process.js'
import { GRADIENT_CLIP_NORM, LEARNING_RATE, SEED, type Trial, WARM_UP_STEPS } from './trial.js'

/** A Python with the packages that the comparison needs. */
export interface Torch {
  python: string
  /** 'PyTorch 2.13.0, transformers 5.18.0, tcmalloc' */
  description: string
  environment: NodeJS.ProcessEnv
  /** Whether peft is installed, whose layers are those of LoRA and IA³. */
  hasPeft: boolean
}

export interface TorchMeasured {
  trainedParameters: number
  times: number[]
  peakBytes: number
}

const script = fileURLToPath(new URL('./torch_step.py', import.meta.url))

/**
 * Finds torch and transformers, and tcmalloc, which PyTorch's own tuning guide preloads.
 * @throws UserError where the Python or one of its packages is missing.
 */
export async function findTorch(python: string): Promise<Torch> {
  const tcmalloc = findTcmalloc()
  const preload = [tcmalloc, process.env.LD_PRELOAD].filter(Boolean).join(':')
  const environment = preload ? { LD_PRELOAD: preload } : {}
  const { code, stdout, stderr } = await runProgram(python, [script, '--versions'], environment).catch((error) => {
    throw needsTorch(python, `it can't be started (${(error as NodeJS.ErrnoException).code}).`)
  })
  if (code !== 0) throw needsTorch(python, `${stderr.trim().split('\n').at(-1)}.`)
  const { torch, transformers, peft } = JSON.parse(stdout)
  const allocator = tcmalloc ? 'tcmalloc' : "the C library's malloc"
  const libraries = `PyTorch ${torch}, transformers ${transformers}, ${peft ? `peft ${peft}` : 'no peft'}`
  return { python, description: `${libraries}, ${allocator}`, hasPeft: peft !== null, environment }
}

const needsTorch = (python: string, problem: string) =>
  new UserError({
    at: `--python ${python}`,
    problem,
    remedy: 'Name a Python that has both: python3 -m venv torch && torch/bin/pip install torch transformers.',
  })

function findTcmalloc(): string | undefined {
  const folders = (process.env.LD_LIBRARY_PATH ?? '').split(':').filter(Boolean)
  for (const folder of [
    ...folders,
    '/usr/lib/x86_64-linux-gnu',
    '/usr/lib/aarch64-linux-gnu',
    '/usr/lib64',
    '/usr/lib',
  ]) {
    const name = filesOf(folder).find((file) => /^libtcmalloc(_minimal)?\.so/.test(file))
    if (name) return join(folder, name)
  }
  return undefined
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch {
    return []
  }
}

/** Whether PyTorch's side has the method: torch_methods.py, or peft for methods that it has. */
export function torchHas({ options }: Pick<Trial, 'options'>, { hasPeft }: Torch): boolean {
  const side = methodKind(options).inPyTorch(options)
  return side === 'hooks' || (side === 'peft' && hasPeft)
}

/**
 * How OpenMP's threads wait for each other. Spinning, the default, is faster on an idle machine; next to other load it
 * made a step up to forty times as slow, which says nothing about PyTorch.
 */
const WAIT_POLICIES = ['default', 'passive'] as const

/**
 * Runs the same trial in PyTorch, in a process for each way of waiting and, in bfloat16, with frozen matrices in
 * float32 and in bfloat16. Returns the times of the fastest and the peak of the one that needs least memory.
 * OMP_WAIT_POLICY, if it is set, decides how to wait.
 */
export async function measureTorch(torch: Torch, trial: Trial): Promise<TorchMeasured> {
  const set = process.env.OMP_WAIT_POLICY
  const measured: TorchMeasured[] = []
  for (const frozenBfloat16 of trial.precision === 'bfloat16' ? [false, true] : [false])
    for (const policy of set ? [set] : WAIT_POLICIES)
      measured.push(await runTorch(torch, trial, { policy, frozenBfloat16 }))
  const fastest = measured.reduce((best, next) => (median(next.times) < median(best.times) ? next : best))
  return { ...fastest, peakBytes: Math.min(...measured.map(({ peakBytes }) => peakBytes)) }
}

/** What torch_models.py builds. */
function modelOf(config: BackboneConfig) {
  const backbone = familyOf(config).toHuggingFace(config)
  if (isEncoder(config)) return { backbone: { ...backbone, num_labels: config.head?.labels } }
  return { backbone, own_head: !config.tiedHead }
}

/** Uses autocast if the precision is bfloat16. */
async function runTorch(
  torch: Torch,
  trial: Trial,
  { policy, frozenBfloat16 }: { policy: string; frozenBfloat16: boolean },
): Promise<TorchMeasured> {
  const { config, options, batchSize, sourceLength, targetLength, precision, threads, steps } = trial
  const spec = {
    ...modelOf(config),
    method: options,
    builds_weight: true, // as the authors' code does
    batch_size: batchSize,
    source_length: sourceLength,
    target_length: targetLength,
    precision,
    frozen_bfloat16: frozenBfloat16,
    threads,
    warm_up: WARM_UP_STEPS,
    steps,
    learning_rate: LEARNING_RATE,
    gradient_clip_norm: GRADIENT_CLIP_NORM,
    seed: SEED,
  }
  const ended = await runProgram(torch.python, [script, JSON.stringify(spec)], {
    ...torch.environment,
    ...(policy !== 'default' && { OMP_WAIT_POLICY: policy }),
  })
  if (ended.code !== 0) throw killed(ended)
  const { trained_parameters, times, peak_bytes } = JSON.parse(ended.stdout.trim().split('\n').at(-1)!)
  return { trainedParameters: trained_parameters, times, peakBytes: peak_bytes }
}
