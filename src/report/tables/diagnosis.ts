import { byteSize } from '../../base/text/size.js'
import type { Diagnosis } from '../../engine/device/diagnosis.js'
import { drawPairs, terminalWidth } from './table.js'

/** Longer lines are hard to read, on a wide terminal and in a file. */
const WIDEST = 100

/** Returns what `compacter doctor` prints: a row for each fact, the chosen engine first. */
export function diagnosisTable(diagnosis: Diagnosis): string {
  const { device, engines, gpus, memory, missing } = diagnosis
  const facts: [string, string][] = [
    ['Engine', device.description],
    ['Version', `${device.engine} ${device.version}, from ${device.origin}`],
    ['Speed', `${diagnosis.gflops.toFixed(0)} GFLOP/s, float32 matrix product`],
    ['Threads', String(device.threads)],
    ['GPU', device.gpu ?? (gpus.length > 0 ? `${gpus.join(', ')}: not used` : 'none')],
    ['Processor', diagnosis.cpu],
    ['Memory', `${byteSize(memory.free)} free of ${byteSize(memory.total)}`],
    ['Node', `${diagnosis.node}, ${diagnosis.platform}`],
    ['Cache', diagnosis.cache],
    ['MPI', diagnosis.mpi],
    ...Object.entries(engines).map(([name, state]): [string, string] => [
      name,
      name === device.engine ? 'in use' : state,
    ]),
    ['Missing', missing ? `${missing.what} Run: ${missing.command}` : 'nothing'],
  ]
  return drawPairs(facts, Math.min(WIDEST, terminalWidth()))
}
