import { Flags } from '@oclif/core'
import { Command } from '../src/command.js'

export default class Worker extends Command {
  static summary = 'Compute parts of the steps of a training that runs elsewhere.'
  static description =
    'Waits for trainers whose experiment names this address in training.workers, one at a time, until Ctrl-C or SIGTERM. Needs the engine tensorflow.'
  static examples = [
    { description: 'Listen to this machine alone', command: '<%= config.bin %> worker' },
    {
      description: 'Listen to a private network; the trainer has the same secret in COMPACTER_WORKER_TOKEN',
      command: '<%= config.bin %> worker --listen 10.0.0.7:7222 --token-file ~/.compacter-token',
    },
    {
      description: 'One on every host of a SLURM allocation, for training.workers: slurm',
      command: 'srun --ntasks-per-node=1 <%= config.bin %> worker --listen 0.0.0.0:7222',
    },
  ]
  static flags = {
    listen: Flags.string({
      description: 'Address to listen on; beyond this machine a token is needed.',
      helpValue: 'HOST:PORT',
      default: '127.0.0.1:7222',
    }),
    'token-file': Flags.string({
      description: 'File with a secret that trainers must have too.',
      helpValue: 'FILE',
      env: 'COMPACTER_WORKER_TOKEN_FILE',
    }),
    threads: Flags.integer({ description: 'CPU threads that compute (default: one a core).', min: 1 }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Worker)
    const { serve } = await import('../src/engine/cluster/serve.js') // here: --help must not load TensorFlow
    const { listen, 'token-file': tokenFile, threads } = flags
    await serve({ listen, tokenFile, threads, log: (line) => this.log(line) })
  }
}
