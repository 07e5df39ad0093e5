import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { createClient } from '@portcullis/client'

/**
 * Prints reviews as they are added, as alice, until her session ends or Ctrl-C:
 * `npm run follow --workspace @portcullis-examples/reviews`
 */
// npm runs a workspace's script in the workspace, and says here where it was called.
const folder = join(process.env['INIT_CWD'] ?? '.', '.portcullis')
const read = (name: string): Readonly<Record<string, string>> =>
  JSON.parse(readFileSync(join(folder, name), 'utf8')) as Record<string, string>
const { identity = '', gateway = '' } = read('endpoints.json')
const { identifier = '', password = '' } = read('login-alice.json')

const client = createClient({ issuer: identity })
await client.login({ identifier, password })
process.once('SIGINT', () => void client.logout().then(() => process.exit(0)))

const query = 'subscription { reviewAdded { item stars text } }'
const response = await client.fetch(`${gateway}/reviews/graphql`, {
  method: 'POST',
  headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
  body: JSON.stringify({ query }),
})
process.stdout.write(`${response.status}, waiting for reviews\n`)
for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
  // The bare colon is a comment that keeps the connection open.
  process.stdout.write(text.replaceAll(/^:\n+/gm, ''))
}
