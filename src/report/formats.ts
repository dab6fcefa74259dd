/** Kept apart from the writers, so that --help does not load them. */
export const REPORT_FORMATS = ['html', 'markdown', 'latex'] as const
export type ReportFormat = (typeof REPORT_FORMATS)[number]
