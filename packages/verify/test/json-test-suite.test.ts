import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { after, test } from 'node:test'
import { VerifyError } from '@portcullis/verify'
import { readSharedFiles } from '../../protocol/test/shared-vectors.ts'
import { createClock } from './clock.ts'
import { startSigner } from './signer.ts'

const signer = await startSigner('EdDSA', createClock().now)
after(signer.close)

type Part = 'header' | 'payload'

/** Why a token with a good signature is refused when these octets are one of its parts. */
async function fateOf(octets: Buffer, part: Part): Promise<string> {
  const { verifier, header, token } = signer
  const forged = part === 'header' ? token(octets, '{}') : token(JSON.stringify(header), octets)
  const error: unknown = await verifier.verify(forged).catch((reason: unknown) => reason)
  assert.ok(error instanceof VerifyError, String(error))
  return String(error.reason)
}

/** What a part is refused for that was read and says nothing. */
const readAs: Readonly<Record<Part, string>> = { header: 'wrong-type', payload: 'malformed-claims' }

/** Most texts of the suite are lists, so each is also tried as the value of a member. */
function asMember(octets: Buffer): Buffer {
  return Buffer.concat([Buffer.from('{"note":'), octets, Buffer.from('}')])
}

const folder = 'jsontestsuite/test_parsing'

for (const part of ['header', 'payload'] as const) {
  test(`a ${part} that is no JSON is malformed under the best signature`, async (context) => {
    const files = readSharedFiles(context, folder)?.filter(([name]) => name.startsWith('n_'))
    if (files === undefined) return
    for (const [name, octets] of files) {
      assert.equal(await fateOf(octets, part), 'malformed', name)
      assert.equal(await fateOf(asMember(octets), part), 'malformed', name)
    }
    assert.ok(files.length >= 180, `only ${files.length} texts`)
  })

  test(`a ${part} that is one JSON object is read, and any other JSON is malformed`, async (context) => {
    const files = readSharedFiles(context, folder)?.filter(([name]) => name.startsWith('y_'))
    if (files === undefined) return
    let objects = 0
    for (const [name, octets] of files) {
      // RFC 8259 section 4 leaves open what two members of one name mean.
      const isDuplicate = name.startsWith('y_object_duplicated_key')
      const isObject = /^\s*\{/.test(octets.toString())
      if (isObject && !isDuplicate) objects += 1
      const expected = isDuplicate ? 'malformed' : readAs[part]
      assert.equal(await fateOf(octets, part), isObject ? expected : 'malformed', name)
      assert.equal(await fateOf(asMember(octets), part), expected, name)
    }
    assert.ok(files.length >= 90 && objects >= 10, `only ${files.length} texts, ${objects} objects`)
  })

  test(`a ${part} that parsers may read or refuse: small numbers are read, huge ones and what is no Unicode are not`, async (context) => {
    const files = readSharedFiles(context, folder)?.filter(([name]) => name.startsWith('i_'))
    if (files === undefined) return
    let read = 0
    for (const [name, octets] of files) {
      assert.equal(await fateOf(octets, part), 'malformed', name)
      const isRead = name.startsWith('i_number_') && isFinite(octets)
      const expected = isRead ? readAs[part] : 'malformed'
      if (isRead) read += 1
      assert.equal(await fateOf(asMember(octets), part), expected, name)
    }
    assert.ok(files.length >= 30 && read >= 3, `only ${files.length} texts, ${read} read`)
  })
}

/** Each of these texts is a list of one number. */
function isFinite(octets: Buffer): boolean {
  return (JSON.parse(octets.toString()) as readonly unknown[]).every(Number.isFinite)
}
