import { extname } from 'node:path'
import { type ProcessOptions, runApart } from '../../engine/apart/process.js'
import type { Answer, Job } from './child.js'

const module = new URL(`./child${extname(import.meta.url)}`, import.meta.url)

/** Trains a cell in a process of its own. */
export const runCellApart = (job: Job, options: Omit<ProcessOptions, 'saves'>): Promise<Answer> =>
  runApart<Answer>(module, job, { ...options, saves: true })
