import type { Provisioned } from '../../engine/device/provision/provision.js'

/** Returns a line that says what computes now, and below it why not something better. */
export function setupSummary({ engine, already, failures }: Provisioned): string {
  const reasons = failures.map(({ origin, reason }) => `  ${origin}: ${reason}`)
  if (!engine) {
    return [
      'No native engine is available here: training runs on WebAssembly, on one core, many times slower.',
      ...reasons,
    ].join('\n')
  }
  const { tensorflow, origin, cuda } = engine.record
  return (
    `${already ? 'Ready' : 'Set up'}: TensorFlow ${tensorflow}${cuda ? ' with CUDA' : ''} from ${origin}, ` +
    `in ${engine.folder}`
  )
}
