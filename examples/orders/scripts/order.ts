import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { createClient } from '@portcullis/client'

/**
 * Orders something as alice, through the gateway of the system that `npm start` runs:
 * `npm run order --workspace @portcullis-examples/orders -- lamp 2`
 */
const [item = 'lamp', quantity = '1'] = process.argv.slice(2)
// npm runs a workspace's script in the workspace, and says here where it was called.
const folder = join(process.env['INIT_CWD'] ?? '.', '.portcullis')
const read = (name: string): Readonly<Record<string, string>> =>
  JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, string>
const { identity = '', gateway = '' } = read('endpoints.json')
const { identifier = '', password = '' } = read('login-alice.json')

const client = createClient({ issuer: identity })
await client.login({ identifier, password })
const response = await client.fetch(`${gateway}/orders`, {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ item, quantity: Number(quantity) }),
})
process.stdout.write(`${response.status} ${await response.text()}\n`)
await client.logout()
process.exitCode = response.ok ? 0 : 1
