import { describe, expect, test } from 'vitest'
import { compacter, start } from '../cli.js'
import { engines } from '../engines.js'

describe.runIf(engines.includes('tensorflow'))('worker', () => {
  test('says where it is, who may come and what is not safe, until SIGTERM', async () => {
    const worker = start(['worker', '--listen', '127.0.0.1:0', '--threads', '1'], { COMPACTER_WORKER_TOKEN: '' })
    await new Promise<void>((resolve) => {
      let text = ''
      worker.process.stdout!.on('data', (piece) => {
        text += piece
        if (text.endsWith('only.\n')) resolve()
      })
    })
    worker.process.kill('SIGTERM')
    const { code, stdout } = await worker.ended
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /^Worker on 127\.0\.0\.1:\d+, for everyone on this machine\. TensorFlow \S+ from .*, 1 CPU thread\.\nWhat it says and hears is not encrypted: let it be reached through an SSH tunnel or a private network only\.\n$/,
    )
  })

  test('listens beyond this machine only with a token', async () => {
    const { code, stderr } = await compacter(['worker', '--listen', '0.0.0.0:0'], { COMPACTER_WORKER_TOKEN: '' })
    expect(code).toBe(1)
    expect(stderr.replace(/\s*›?\s+/g, ' ')).toContain(
      '--listen 0.0.0.0:0: can be reached from other machines, and there is no token.',
    )
  })
})
