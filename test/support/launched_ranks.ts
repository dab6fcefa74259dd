import { readdirSync, readFileSync } from 'node:fs'

/** Process numbers of the ranks on this machine that train into a folder, by rank. */
export function ranksOf(folder: string): Map<number, number> {
  const found = new Map<number, number>()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    try {
      const [command, environment] = ['cmdline', 'environ'].map((of) => readFileSync(`/proc/${pid}/${of}`, 'utf8'))
      const rank = /(?:^|\0)(?:OMPI_COMM_WORLD_RANK|PMI_RANK)=(\d+)/.exec(environment!)?.[1]
      const isNode = command!.split('\0')[0] === process.execPath
      if (rank !== undefined && isNode && command!.includes(`${folder}\0`)) found.set(Number(rank), Number(pid))
    } catch {} // gone meanwhile
  return found
}
