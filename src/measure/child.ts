// A process of its own for one trial, so that its memory is measured alone.
import { answerJob } from '../engine/apart/child.js'
import { measure } from './measure.js'
import type { Trial } from './trial.js'

answerJob((trial: Trial) => measure(trial), { saves: false })
