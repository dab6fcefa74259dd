import { availableParallelism, loadavg } from 'node:os'
import { counted } from '../base/text/counted.js'

/** Whether other programs want the cores. To be asked before anything of ours computes. */
export const isBusy = (): boolean => loadavg()[0]! > availableParallelism() / 2

/** Returns `The machine is busy: load 3.1 on 2 cores.` */
export const busyLine = (): string =>
  `The machine is busy: load ${loadavg()[0]!.toFixed(1)} on ${counted(availableParallelism(), 'core')}.`
