/** Here and not beside what writes them, so that --help loads none of that. */
export const REPORT_FORMATS = ['html', 'markdown', 'latex'] as const
export type ReportFormat = (typeof REPORT_FORMATS)[number]
