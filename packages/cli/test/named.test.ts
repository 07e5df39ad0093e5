import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ClientError } from '@portcullis/client'
import type { AccountInfo, Administration, ClientInfo } from '@portcullis/client/admin'
import { CommandError } from '../src/command-error.ts'
import { findAccount, namesOf } from '../src/remote/named.ts'

interface Named {
  readonly id: string
  readonly identifier: string
}

const aliceId = 'a'.repeat(22)
const alice: Named = { id: aliceId, identifier: 'alice' }
const bob: Named = { id: 'b'.repeat(22), identifier: 'bob' }
const billing = { id: 'c'.repeat(22), name: 'billing' }

function notFound(): never {
  throw new ClientError('refused', 'not found', { status: 404 })
}

async function findBilling(id: string): Promise<Pick<ClientInfo, 'id' | 'name'>> {
  return id === billing.id ? billing : notFound()
}

/** Answers as the issuer does; only what names are looked up by. */
function issuerOf(known: readonly Named[]): Pick<Administration, 'accounts' | 'clients'> {
  const find = async (id: string): Promise<Named> =>
    known.find((one) => one.id === id) ?? notFound()
  const page = async ({ identifier }: { readonly identifier?: string } = {}): Promise<object> => ({
    items: known.filter((one) => one.identifier === identifier),
  })
  return { accounts: { get: find, page }, clients: { get: findBilling } } as unknown as Pick<
    Administration,
    'accounts' | 'clients'
  >
}

test('an account is found by its identifier and by its id, and one that is called like the id of another is not taken for it', async () => {
  const decoy: Named = { id: 'd'.repeat(22), identifier: aliceId }
  const issuer = issuerOf([decoy, alice, bob])
  const found = async (name: string): Promise<AccountInfo> => findAccount(issuer, name)
  assert.equal(await found('alice'), alice)
  assert.equal(await found(aliceId), alice)
  assert.equal(await found(bob.id), bob)
  // Where nobody has the id, it is a name as any other.
  assert.equal(await findAccount(issuerOf([decoy]), aliceId), decoy)
  await assert.rejects(
    found('e'.repeat(22)),
    (error) => error instanceof CommandError && /identifier or its id/.test(error.remedy),
  )
})

test('ids of accounts and clients are told as names, and each is asked about once', async () => {
  const { accounts, clients } = issuerOf([alice, bob])
  const asked: string[] = []
  const counted = {
    clients,
    accounts: {
      ...accounts,
      get: (id: string) => {
        asked.push(id)
        return accounts.get(id)
      },
    },
  }
  const gone = 'g'.repeat(22)
  const told = [aliceId, undefined, billing.id, 'command-line', gone, aliceId, bob.id]
  const nameOf = await namesOf(counted, told)
  assert.deepEqual(
    told.map((id) => id && nameOf(id)),
    ['alice', undefined, 'billing', 'command-line', gone, 'alice', 'bob'],
  )
  assert.deepEqual(asked.toSorted(), [aliceId, bob.id, billing.id, gone].toSorted())
})
