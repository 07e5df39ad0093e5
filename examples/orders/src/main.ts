import { createVerifier } from '@portcullis/verify'
import { createApp } from './app.ts'
import { openOrderBook } from './order-book.ts'
import { readSettings } from './settings.ts'

const { host, port, issuer, audience, client, databasePath, maxStalenessSeconds } = readSettings()
const revocation = maxStalenessSeconds === undefined ? {} : { maxStalenessSeconds }
const verifier = createVerifier({ issuer, audience, client, revocation })
const orders = openOrderBook(databasePath)
const app = createApp(verifier, orders)
app.addHook('onClose', async () => {
  await verifier.close()
  orders.close()
})

await app.listen({ host, port })
// The service answers from the first moment: 503 while the keys cannot be had, never an open door.
verifier.ready().then(
  () => process.stdout.write('orders is ready\n'),
  (error: unknown) =>
    process.stderr.write(`orders cannot reach its issuer yet: ${String(error)}\n`),
)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void app.close().then(() => process.exit(0)))
}
