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

/** Escapes text for LaTeX; a line end becomes a space, so that nothing leaves a table's cell. */
export const escapeLatex = (text: string): string =>
  text.replace(/\s+/g, ' ').replace(/[\\~^<>|–−±&%$#_{}]/g, (mark) => MARKS[mark] ?? `\\${mark}`)
