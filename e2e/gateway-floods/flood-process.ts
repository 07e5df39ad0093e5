import process from 'node:process'
import { floods } from './floods.ts'

/* One flood, for as long as this process lives. */

const [kind = '', port = '', token = ''] = process.argv.slice(2)
const flood = floods.find((one) => one.kind === kind)
if (flood === undefined) throw new Error(`there is no flood of ${kind}`)
await flood.run({ port: Number(port), token })
