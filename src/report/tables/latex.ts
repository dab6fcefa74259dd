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

/** Lines of comment above a table; a line end in a note would end the comment. */
export const latexComments = (notes: readonly string[]): string[] =>
  notes.map((note) => `% ${note.replace(/\s+/g, ' ')}`)

/**
 * A table of cells that are LaTeX already, for `\usepackage{booktabs}`; `right` tells of each column whether it stands
 * to the right.
 */
export function latexTable(head: string[], rows: string[][], right: readonly boolean[]): string {
  const line = (cells: string[]) => `${cells.join(' & ')} \\\\`
  return [
    `\\begin{tabular}{${head.map((_, column) => (right[column] ? 'r' : 'l')).join('')}}`,
    '\\toprule',
    line(head),
    '\\midrule',
    ...rows.map(line),
    '\\bottomrule',
    '\\end{tabular}',
  ].join('\n')
}
