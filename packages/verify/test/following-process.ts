import process from 'node:process'
import { createVerifier } from '@portcullis/verify'

/** A service that follows the feed of the issuer in its argument, and has nothing else to do. */
const [, , issuer = '', whatNext = ''] = process.argv
const verifier = createVerifier({ issuer, audience: 'orders' })
await verifier.ready().then(
  () => process.stdout.write('ready\n'),
  () => process.stdout.write('not ready\n'),
)
if (whatNext === 'close') await verifier.close()
