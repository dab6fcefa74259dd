/** Returns a number and what it counts: 1 row, 2,000 rows. `plural` is needed where it is not the noun with an s. */
export const counted = (count: number, noun: string, plural = `${noun}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? noun : plural}`
