const LONGEST = 120

/** A name or a value for an error, which may have megabytes: its beginning. */
export const shortened = (text: string): string => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text)
