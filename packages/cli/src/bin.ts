#!/usr/bin/env node
// Nothing is imported before the version is known: an old Node would only show a syntax error.
const parts = process.versions.node.split('.')
const major = Number(parts[0])
const minor = Number(parts[1])
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write('portcullis needs Node 24.15 or later; this is ' + process.version + '\n')
  process.exit(1)
} else {
  process.once('exit', tellOfEarlyEnd)
  import('./main.ts').then(
    function () {
      return process.off('exit', tellOfEarlyEnd)
    },
    function (error: unknown) {
      process.stderr.write(String(error) + '\n')
      process.exit(1)
    },
  )
}

/** When nothing is left to wait for, Node ends with 0, whatever the command still had to do. */
function tellOfEarlyEnd(code: number): void {
  if (code !== 0) return
  process.exitCode = 1
  process.stderr.write('portcullis ended before its command had. Please report it.\n')
}
