import type { Auth, TokenWatch, Verifier, VerifierOptions } from '@portcullis/verify'
import {
  authenticateHeader,
  createVerifier,
  hasRole,
  hasScope,
  problemOf,
  requireRole,
  requireScope,
  VerifyError,
} from '@portcullis/verify'
import { authenticate as authenticateFetch } from '@portcullis/verify/fetch'
import { authenticate as authenticateFastify } from '@portcullis/verify/fastify'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer, untilApplied } from '@portcullis/verify/testing'

/**
 * What must not compile, so that a mistake is found in the editor and not by an attacker. Nothing runs
 * this file. Each marker names the error that it waits for: `wrong-uses.test.ts` compiles a copy
 * without the markers and compares, so that no statement is wrong for a reason of its own.
 */
declare const good: VerifierOptions
declare const verifier: Verifier
declare const auth: Auth
declare const watch: TokenWatch
declare const issuer: TestIssuer
const url = 'https://id.example'

// @ts-expect-error TS2769: without an audience a token for any service would be good here
createVerifier({ issuer: url })
// @ts-expect-error TS2769: without an issuer nobody knows whose keys count
createVerifier({ audience: 'orders' })
// @ts-expect-error TS2554: nothing is configured by chance
createVerifier()
// @ts-expect-error TS2769: no audience at all is not any audience
createVerifier({ issuer: url, audience: undefined })
// @ts-expect-error TS2769: the audience is compared exactly and is no pattern
createVerifier({ issuer: url, audience: /orders/ })
// @ts-expect-error TS2769: one verifier, one audience; see withAudience
createVerifier({ issuer: url, audience: ['orders', 'reviews'] })
// @ts-expect-error TS2769: the issuer is a text, exactly as tokens carry it
createVerifier({ issuer: new URL(url), audience: 'orders' })
// @ts-expect-error TS2769: a misspelt option would turn its check off in silence
createVerifier({ issuer: url, audience: 'orders', audiences: ['orders'] })
// @ts-expect-error TS2769: a leeway without its unit
createVerifier({ ...good, leeway: 5 })
// @ts-expect-error TS2769: seconds are a number
createVerifier({ ...good, leewaySeconds: '5s' })
// @ts-expect-error TS2769: none is no algorithm
createVerifier({ ...good, algorithms: ['none'] })
// @ts-expect-error TS2769: HMAC stands alone, never beside a public key
createVerifier({ ...good, algorithms: ['HS256', 'RS256'] })
// @ts-expect-error TS2769: algorithms are a list, even when it has one entry
createVerifier({ ...good, algorithms: 'RS256' })
// @ts-expect-error TS2769: revocation is on; true would say nothing
createVerifier({ ...good, revocation: true })
// @ts-expect-error TS2769: revocation is given up by its name, untilExpiry
createVerifier({ ...good, revocation: false })
// @ts-expect-error TS2769: there are two answers to staleness
createVerifier({ ...good, revocation: { whenStale: 'ignore' } })
// @ts-expect-error TS2769: a misspelt bound would be the default
createVerifier({ ...good, revocation: { maxStaleness: 30 } })
// @ts-expect-error TS2769: a client without its secret
createVerifier({ ...good, client: { id: 'c07c2b0f6a1e' } })
// @ts-expect-error TS2769: a clock that is read once and stands still
createVerifier({ ...good, now: Date.now() })
// @ts-expect-error TS2540: options of a verifier do not change
good.audience = 'reviews'
// @ts-expect-error TS2540: nor does the verifier
verifier.audience = 'reviews'
// @ts-expect-error TS2345: a token is a text
void verifier.verify(Buffer.from('token'))
// @ts-expect-error TS2345: a header may be absent, and verify is not for headers
void verifier.verify(new Headers().get('authorization'))
// @ts-expect-error TS2339: verify resolves later; until then there is nothing to trust
hasScope(verifier.verify('token').auth, 'orders:read')
// @ts-expect-error TS2345: what is watched was verified before
verifier.watch('token')
// @ts-expect-error TS2740: claims that nobody has verified
hasScope({ claims: { sub: 'alice', scope: 'orders:read' }, audience: 'orders' }, 'orders:read')
// @ts-expect-error TS2540: claims are frozen
auth.claims.sub = 'alice'
// @ts-expect-error TS2542: a claim of one's own, too
auth.claims['tenant'] = 'other'
// @ts-expect-error TS2339: roles cannot be added
auth.claims.roles?.push('admin')
// @ts-expect-error TS2540: nor can the audience be changed
auth.audience = 'reviews'
// @ts-expect-error TS2339: a claim of one's own has no type until it was looked at
auth.claims['plan'].toUpperCase()
// @ts-expect-error TS2345: a scope is a text
requireScope(7)
// @ts-expect-error TS2345: scopes are given one by one
requireScope(['orders:read', 'orders:write'])
// @ts-expect-error TS2345: a role is a text
requireRole(null)
// @ts-expect-error TS2554: of what scope?
hasScope(auth)
// @ts-expect-error TS2345: one role at a time
hasRole(auth, ['admin', 'moderator'])
// @ts-expect-error TS2345: a request is not a header
void authenticateHeader(verifier, new Request(url))
// @ts-expect-error TS2345: a guard is made of a verifier and not of its options
authenticateFetch(good)
// @ts-expect-error TS2345: the same in Fastify
authenticateFastify(good)
// @ts-expect-error TS2345: a requirement stands behind the handler and does not replace it
authenticateFetch(verifier)(requireScope('orders:read'))
// @ts-expect-error TS2345: codes are a closed list
problemOf(new VerifyError('expired', 'the token has expired'))
// @ts-expect-error TS2740: only refusals are told to the caller
problemOf(new Error('ENOENT'))
// @ts-expect-error TS2540: a watch cannot be made to last
watch.signal = new AbortController().signal
// @ts-expect-error TS2322: the testing issuer has no algorithm none
void createTestIssuer({ algorithm: 'none' })
// @ts-expect-error TS2345: a floor belongs to an account
issuer.revoke({ sub: 'alice' })
// @ts-expect-error TS2345: what is waited for is a position, as revoke answers it
void untilApplied(verifier, 17)
