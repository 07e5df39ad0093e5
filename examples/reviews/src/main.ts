import { createVerifier } from '@portcullis/verify'
import { createApp } from './app.ts'
import { openReviewBook } from './review-book.ts'
import { createReviewFeed } from './review-feed.ts'
import { readSettings } from './settings.ts'

const stopMsMax = 6000

const { port, issuer, audience, client, databasePath, maxStalenessSeconds } = readSettings()
const revocation = maxStalenessSeconds === undefined ? {} : { maxStalenessSeconds }
const verifier = createVerifier({ issuer, audience, client, revocation })
const reviews = openReviewBook(databasePath)
const feed = createReviewFeed(verifier)
const server = createApp(verifier, reviews, feed)

server.listen(port, '127.0.0.1')
// The service answers from the first moment: 503 to a token while the keys cannot be had.
verifier.ready().then(
  () => process.stdout.write('reviews is ready\n'),
  (error: unknown) =>
    process.stderr.write(`reviews cannot reach its issuer yet: ${String(error)}\n`),
)

function stop(): void {
  feed.close()
  server.close(() => {
    reviews.close()
    void verifier.close().then(() => process.exit(0))
  })
  // Connections become idle one by one, as their last answers end.
  setInterval(() => server.closeIdleConnections(), 100).unref()
  setTimeout(() => server.closeAllConnections(), stopMsMax).unref()
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)
