// Prints vitest's own figures from its JSON report, as `N passed, N failed, N skipped`.
import { readFileSync } from 'node:fs'

const text = readFileSync(process.argv[2], 'utf8')
const report = text ? JSON.parse(text) : { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0 }
// A file that can't be loaded has no test to count, and is a failure all the same.
const unloaded = (report.testResults ?? []).filter(
  (file) => file.status === 'failed' && file.assertionResults.length === 0,
)
const skipped = report.numPendingTests + report.numTodoTests
console.log(`${report.numPassedTests} passed, ${report.numFailedTests + unloaded.length} failed, ${skipped} skipped`)
