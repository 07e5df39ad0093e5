import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { authenticateHeader, VerifyError } from '@portcullis/verify'
import type { Verifier } from '@portcullis/verify'
import { createVerifier } from '@portcullis/verify'
import { createTestIssuer } from '@portcullis/verify/testing'
import { startSigner } from './signer.ts'

/*
 * What RFC 8725bis asks of a verifier. The ids are those of docs/standards.md. Most of it is in the corpus already,
 * which `corpus.test.ts` runs at every door, each entry with its positive twin: here stands which entries are about
 * which statement, and what no vector can say is tested below.
 */
const inCorpus: ReadonlyMap<string, readonly string[]> = new Map([
  // Nothing outside the list of algorithms is used.
  ['RFC 8725bis J1', ['V05-alg-unknown', 'V34-ed25519-not-allowed', 'V34-rs512', 'V30-hs256-pem']],
  // The header agrees with the algorithm of the key that the kid names.
  ['RFC 8725bis J2', ['V34-ps-with-rs-key', 'V34-es-with-rs-kid', 'V34-ps256-with-ps512-key']],
  // One key, one algorithm, also where its JWK names none.
  ['RFC 8725bis J4', ['V33-ps256-without-alg', 'V33-hs256-alg-hs256', 'V34-ES256-key-for-ES384']],
  // A list of what is allowed: no spelling of none gets past it.
  ['RFC 8725bis J5', ['V02-none-1', 'V02-none-2', 'V02-none-3', 'V02-none-4', 'V02-none-5']],
  ['RFC 8725bis J6', ['V01-none', 'V01-none-signature', 'V02-none-signed']],
  // What is encrypted is not taken for signed, nor is what is nested.
  ['RFC 8725bis J9', ['V54-jwe-rsa', 'V54-jwe-claims', 'V54-jwe-nested', 'V56-nested']],
  ['RFC 8725bis J10', ['V44-point-off-curve', 'V44-point-wrong-curve', 'V44-okp-not-on-curve']],
  // Nothing is decompressed, so nothing has to be measured first.
  ['RFC 8725bis J12', ['V53-zip', 'V53-zip-gzip', 'V54-jwe-zip']],
  ['RFC 8725bis J13', ['V21-header-utf16', 'V21-payload-utf16', 'V21-payload-overlong']],
  ['RFC 8725bis J16', ['V61-aud-missing', 'V61-aud-other', 'V61-aud-prefix', 'V61-aud-issuer']],
  ['RFC 8725bis J17', ['V38-kid-sql', 'V38-kid-path', 'V38-kid-lookup', 'V38-kid-nul']],
  // Case and the long form of a media type do not matter, all else does.
  ['RFC 8725bis J19', ['OK-typ-long', 'OK-typ-case', 'V55-typ-twice', 'V55-typ-parameter']],
  // Nobody is made to stretch a password: PBES2 is refused before its count is looked at.
  ['RFC 8725bis J22', ['V54-jwe-pbes2', 'V54-jwe-pbes2-huge', 'V54-jwe-pbes2-three-parts']],
])

test('the corpus has entries for each of these statements', () => {
  const ids = new Set(['access-tokens', 'key-sets'].flatMap(idsOf))
  assert.ok(ids.size >= 800, `only ${ids.size} vectors were found`)
  for (const [statement, wanted] of inCorpus) {
    assert.deepEqual(
      wanted.filter((id) => !ids.has(id)),
      [],
      statement,
    )
  }
})

function idsOf(name: string): readonly string[] {
  const file = new URL(`../../../vectors/${name}.json`, import.meta.url)
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly { readonly id: string }[]
  return vectors.map(({ id }) => id)
}

async function reasonOf(verifier: Verifier, token: string): Promise<string | undefined> {
  return verifier.verify(token).then(
    () => undefined,
    (error: unknown) => (error instanceof VerifyError ? error.reason : String(error)),
  )
}

const tokenAlphabet = /^[A-Za-z0-9_.-]$/

test('RFC 8725bis J23: a token has letters, digits, - _ and . and any other character anywhere makes it none', async (t) => {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  t.after(issuer.close)
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
  })
  const token = issuer.mint()
  const [header = '', payload = ''] = token.split('.')
  const places = [0, 3, header.length, header.length + payload.length + 1, token.length - 3]
  const beyondAscii = ['\u00a0', '\u0430', '\u200b', '\uff21', '\ufeff', '\ud83d\ude00', '\ud800']
  const others = Array.from({ length: 256 }, (_none, code) => String.fromCharCode(code))
    .filter((character) => !tokenAlphabet.test(character))
    .concat(beyondAscii)
  assert.equal(others.length, 256 - 65 + beyondAscii.length)
  for (const character of others) {
    for (const place of [...places, token.length]) {
      const other = token.slice(0, place) + character + token.slice(place)
      assert.equal(await reasonOf(verifier, other), 'malformed', JSON.stringify(character))
      if (place === token.length) continue
      const instead = token.slice(0, place) + character + token.slice(place + 1)
      assert.equal(await reasonOf(verifier, instead), 'malformed', JSON.stringify(character))
    }
  }
  for (const other of [`{"token":"${token}"}`, `"${token}"`, `'${token}'`, `[${token}]`]) {
    assert.equal(await reasonOf(verifier, other), 'malformed')
    await assert.rejects(authenticateHeader(verifier, `Bearer ${other}`), { status: 400 })
  }
  assert.equal(await reasonOf(verifier, token), undefined)
})

/** Counts every connection to this machine's own addresses, whatever is said over it. */
async function listenForFetches(
  t: TestContext,
): Promise<{ readonly port: number; readonly connections: () => number }> {
  let connections = 0
  const server = createServer((_request, response) => response.end('{"keys":[]}'))
  server.on('connection', () => (connections += 1))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return { port: (server.address() as AddressInfo).port, connections: () => connections }
}

// ASVS 9.1.3.
test('RFC 8725bis J18: no URL in a header is followed, to this machine as little as elsewhere', async (t) => {
  const { port, connections } = await listenForFetches(t)
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  t.after(issuer.close)
  const verifier = createVerifier({
    issuer: issuer.issuer,
    audience: 'orders',
    revocation: 'untilExpiry',
  })
  t.after(verifier.close)
  const hosts = ['127.0.0.1', 'localhost', '127.1', '0.0.0.0', '2130706433', '[::ffff:127.0.0.1]']
  const urls = hosts.map((host) => `http://${host}:${port}/keys`)
  let refused = 0
  for (const url of urls) {
    for (const member of ['jku', 'x5u']) {
      for (const kid of ['unknown', issuer.kid]) {
        const header = { set: { [member]: url, kid } }
        const forged = issuer.forge({ header, signature: 'stranger' })
        assert.ok(
          ['unknown-key', 'bad-signature'].includes(String(await reasonOf(verifier, forged))),
        )
        refused += 1
        // With a right signature the member is what it always was: nothing.
        if (kid === issuer.kid)
          assert.equal(await reasonOf(verifier, issuer.forge({ header })), undefined)
      }
    }
    // So is a URL in the place of a name, or of an issuer.
    assert.equal(await reasonOf(verifier, issuer.mint({}, { kid: url })), 'unknown-key')
    assert.equal(await reasonOf(verifier, issuer.mint({ iss: url })), 'wrong-issuer')
  }
  assert.equal(refused, hosts.length * 4)
  assert.equal(connections(), 0)
  await (await fetch(`http://127.0.0.1:${port}/keys`)).text()
  assert.equal(connections(), 1, 'the listener would have noticed')
})

test('RFC 8725bis J15: a subject is one that this issuer may have, whole and as it stands', async (t) => {
  const signer = await startSigner('ES256', Date.now)
  t.after(signer.close)
  t.after(signer.verifier.close)
  const tokenFor = (sub: unknown): string =>
    signer.token(JSON.stringify(signer.header), JSON.stringify({ ...signer.claims, sub }))
  const { claims } = await signer.verifier.verify(tokenFor('Alice '))
  // Neither trimmed nor folded: what a service looks up is what was signed.
  assert.equal(claims.sub, 'Alice ')
  for (const sub of [
    undefined,
    null,
    '',
    7,
    ['alice'],
    { id: 'alice' },
    'a\u0000',
    'x'.repeat(10_000),
  ]) {
    const reason = await reasonOf(signer.verifier, tokenFor(sub))
    assert.ok(reason !== undefined, JSON.stringify(sub))
  }
})
