import process from 'node:process'
import { readCommandLine } from './command-line.ts'
import { createSbom } from './sbom.ts'

readCommandLine(
  'npm run --silent sbom > portcullis.cdx.json\n\nPrints what is shipped, as CycloneDX.',
  {},
)
process.stdout.write(`${JSON.stringify(createSbom(), undefined, 2)}\n`)
