import Table from 'cli-table3'
import type { Diagnosis } from '../engine/diagnosis.js'

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`

/** What `compacter doctor` prints: a row a fact, the chosen engine first. */
export function diagnosisTable(diagnosis: Diagnosis): string {
  const { device, engines, gpus, memory, missing } = diagnosis
  const table = new Table({ style: { head: [], border: [] }, colWidths: [14, 84], wordWrap: true })
  table.push(
    ['Engine', device.description],
    ['Version', `${device.engine} ${device.version}, from ${device.origin}`],
    ['Speed', `${diagnosis.gflops.toFixed(0)} GFLOP/s, float32 matrix product`],
    ['Threads', device.threads],
    ['GPU', device.gpu ?? (gpus.length > 0 ? `${gpus.join(', ')}: not used` : 'none')],
    ['Processor', diagnosis.cpu],
    ['Memory', `${gigabytes(memory.free)} free of ${gigabytes(memory.total)}`],
    ['Node', `${diagnosis.node}, ${diagnosis.platform}`],
    ['Cache', diagnosis.cache],
    ['MPI', diagnosis.mpi],
    ...Object.entries(engines).map(([name, state]) => [name, name === device.engine ? 'in use' : state]),
    ...(missing ? [['Missing', `${missing.what} Run: ${missing.command}`]] : [['Missing', 'nothing']]),
  )
  return table.toString()
}
