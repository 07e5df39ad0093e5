import process from 'node:process'
import { floods, flow } from './floods.ts'

/* One flood, for as long as this process lives. Tells how many connections came about so far. */

const [kind = '', port = '', token = ''] = process.argv.slice(2)
const flood = floods.find((one) => one.kind === kind)
if (flood === undefined) throw new Error(`there is no flood of ${kind}`)
let connected = 0
setInterval(() => process.send?.(connected), 100)
await flow(flood, { port: Number(port), token }, () => (connected += 1))
