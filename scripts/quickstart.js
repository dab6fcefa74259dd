// npm run quickstart: from a fresh clone to a table of scores.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { build, compacter, install, root, say, setup } from './bootstrap.js'

const RUN = 'runs/quickstart'

await install()
await build()
if (existsSync(join(root, RUN, 'result.json'))) {
  if (process.argv.length > 2) say(`${process.argv.slice(2).join(' ')} is not used:`)
  say(`${RUN} is finished. Its test score again:`)
  await compacter('eval', RUN)
  say(`To train it once more, remove ${RUN} and run this again.`)
} else {
  // With another engine the native one is not needed.
  if (['', 'auto', 'tensorflow'].includes(process.env.COMPACTER_ENGINE ?? '')) await setup()
  const begun = existsSync(join(root, RUN, 'experiment.yaml'))
  if (begun) say(`${RUN} was interrupted: going on.`)
  await compacter('train', 'experiments/quickstart.yaml', ...(begun ? ['--resume'] : []), ...process.argv.slice(2))
}
