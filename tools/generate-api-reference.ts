import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { apiReference } from './api-reference.ts'

for (const [path, text] of apiReference()) {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
