const LONGEST = 120

/** Returns the beginning of a name or a value for an error, since it may be megabytes long. */
export const shortened = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)
