import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { packageRoot } from '../../src/base/root.js'
import { smallExperiment } from '../../test/support/cli.js'

const STEPS = 20
const HOSTS = ['compacter-a', 'compacter-b']

/**
 * Trains on two ranks in a network namespace each, that reach each other over TCP through a slowed link, beside one
 * process; prints losses and the bytes that the link carried.
 */
export async function twoHosts(rate: string): Promise<void> {
  const training = { steps: STEPS, batch_size: 8, evaluate_every: STEPS, checkpoint_every: 1000, source_length: 32 }
  const { file, folder } = smallExperiment(training)
  const train = (name: string, ...more: string[]) => [
    process.execPath,
    join(packageRoot, 'bin/run.js'),
    'train',
    file,
    '--run-dir',
    join(folder, name),
    '--threads',
    '1',
    ...more,
  ]
  const [program, ...args] = train('alone')
  await ended(spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'] }))
  const losses = (name: string): number[] =>
    readFileSync(join(folder, name, 'metrics.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).loss)
      .filter((loss) => loss !== undefined)
  const agent = join(mkdtempSync(join(tmpdir(), 'hosts-')), 'agent')
  // Open MPI calls it as it would ssh: HOST COMMAND …; a host has a name of its own
  writeFileSync(agent, '#!/bin/sh\nhost=$1\nshift\nexec ip netns exec $host unshare --uts sh -c "hostname $host; $*"\n')
  chmodSync(agent, 0o755)
  try {
    link(rate)
    const options = [
      '--mca',
      'plm_rsh_agent',
      agent,
      '--mca',
      'btl',
      'tcp,self',
      '--mca',
      'btl_tcp_if_include',
      '10.77.0.0/24',
    ]
    const more = [
      '--mca',
      'oob_tcp_if_include',
      '10.77.0.0/24',
      '--host',
      `${HOSTS[0]}:1,${HOSTS[1]}:1`,
      '--bind-to',
      'none',
    ]
    const environment = ['-x', 'PATH', '-x', 'HOME', '-n', '2']
    const mpirun = ['mpirun.openmpi', ...options, ...more, ...environment, ...train('shared', '--mpi')]
    const before = carried()
    const inside = [
      'netns',
      'exec',
      HOSTS[0]!,
      'unshare',
      '--uts',
      'sh',
      '-c',
      `hostname ${HOSTS[0]}; exec "$@"`,
      'sh',
      ...mpirun,
    ]
    const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' }
    await ended(spawn('ip', inside, { stdio: ['ignore', 'ignore', 'pipe'], env }))
    const bytes = carried() - before
    const manifest = JSON.parse(readFileSync(join(folder, 'shared', 'manifest.json'), 'utf8'))
    const [one, two] = [losses('alone'), losses('shared')]
    const worst = Math.max(...one.map((loss, i) => Math.abs(loss - two[i]!) / loss))
    console.log(JSON.stringify(manifest.mpi))
    console.log(`link of ${rate}: ${STEPS} steps, losses within ${worst.toExponential(1)} of one process`)
    console.log(
      `trained parameters ${manifest.trained_parameters}; the link carried ${bytes} bytes both ways, ` +
        `${Math.round(bytes / STEPS)} a step with start and evaluation`,
    )
  } finally {
    for (const host of HOSTS) spawnSync('ip', ['netns', 'del', host])
  }
}

function ended(child: ReturnType<typeof spawn>): Promise<void> {
  let errors = ''
  child.stderr!.on('data', (text) => (errors += text))
  return new Promise((done, fail) => child.on('close', (code) => (code === 0 ? done() : fail(new Error(errors)))))
}

/** Two namespaces, a link between them. */
function link(rate: string): void {
  const ip = (...args: string[]) => execFileSync('ip', args)
  for (const host of HOSTS) ip('netns', 'add', host)
  ip('link', 'add', 'ends-a', 'netns', HOSTS[0]!, 'type', 'veth', 'peer', 'name', 'ends-b', 'netns', HOSTS[1]!)
  for (const [i, host] of HOSTS.entries()) {
    const end = `ends-${'ab'[i]}`
    const within = (...args: string[]) => ip('netns', 'exec', host, ...args)
    within('ip', 'addr', 'add', `10.77.0.${i + 1}/24`, 'dev', end)
    within('ip', 'link', 'set', end, 'up')
    within('ip', 'link', 'set', 'lo', 'up')
    within('tc', 'qdisc', 'add', 'dev', end, 'root', 'tbf', 'rate', rate, 'burst', '32kbit', 'latency', '50ms')
  }
}

const carried = (): number =>
  ['tx_bytes', 'rx_bytes']
    .map((which) =>
      execFileSync('ip', ['netns', 'exec', HOSTS[0]!, 'cat', `/sys/class/net/ends-a/statistics/${which}`]),
    )
    .reduce((sum, text) => sum + Number(text), 0)
