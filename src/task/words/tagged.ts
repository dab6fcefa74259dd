import { counted } from '../../base/text/counted.js'
import { shortened } from '../../base/text/shortened.js'
import type { TaggingText } from '../options.js'
import { labelled, texts, Unusable, type Values, words } from '../values.js'

/** A row's words and their tags, each also as one text with blanks between. */
export interface Tagged {
  source: string
  words: string[]
  target: string
}

/** Returns a row's words. @throws Unusable */
export function wordsOf(task: TaggingText, values: Values): Pick<Tagged, 'source' | 'words'> {
  const all = words(values, task.words)
  return { source: all.join(' '), words: all }
}

/** Returns a row's tags as one text. @throws Unusable for another number of tags than words, and an unknown tag. */
export function tagsOf(task: TaggingText, values: Values): Pick<Tagged, 'target'> {
  const all = texts(values, task.words)
  const tags = texts(values, task.tags)
  if (tags.length !== all.length) {
    const [count, wanted] = [tags.length, all.length]
    throw new Unusable(
      `column '${task.tags}' has ${counted(count, 'tag')} for ${counted(wanted, 'word')} of column '${task.words}'.`,
    )
  }
  const named = tags.map((tag, word) => {
    const own = labelled(tag, task.labels, word)
    if (/^\S+$/u.test(own)) return own
    throw new Unusable(`the tag of word ${word + 1} is '${shortened(own)}'; a tag has no white space.`, word)
  })
  return { target: named.join(' ') }
}

/** The tag of a word that no entity has, and of one that was not read. */
export const OUTSIDE = 'O'

/** The tags of a row's target, or of an output. */
export const tagsIn = (target: string): string[] => target.split(' ')
