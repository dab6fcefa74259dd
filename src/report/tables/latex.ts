const MARKS: Record<string, string> = {
  '\\': '\\textbackslash{}',
  '~': '\\textasciitilde{}',
  '^': '\\textasciicircum{}',
  '<': '\\textless{}',
  '>': '\\textgreater{}',
  '|': '\\textbar{}',
  '–': '--',
  '−': '$-$',
  '±': '$\\pm$',
}

/** Text as LaTeX prints it; a line end is a space, so that nothing leaves a table's cell. */
export const escapeLatex = (text: string): string =>
  text.replace(/\s+/g, ' ').replace(/[\\~^<>|–−±&%$#_{}]/g, (mark) => MARKS[mark] ?? `\\${mark}`)
