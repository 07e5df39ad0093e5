import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { test } from 'node:test'
import { login } from '../src/domain/login.ts'
import { noPasswordHash, normalisePassword } from '../src/domain/passwords.ts'
import { createHasher, hashPassword } from '../src/passwords/hasher.ts'
import { createChosenClock } from './chosen-clock.ts'
import type { StoreParts } from './store-parts.ts'
import { accountOf, commandLine, openPartsAt } from './store-parts.ts'
import { createTemporaryFolder } from './temporary-folder.ts'

/**
 * Who exists must not show in the time of a refusal (ASVS 6.3.8). The cases take turns, so that whatever
 * else runs here slows all of them alike. Compared is not a time but an order: how often one case takes
 * longer than another, over all pairs. Without a difference that is a half; a hash that is left out makes it
 * 0 or 1. For 500 tries chance alone has a standard deviation of 0.018, so the bound of 0.2 is eleven of them,
 * and room for a machine that is busy with other tests.
 */
const tries = 500
const bound = 0.2

/** Real, and cheap: about half a millisecond, beside a look-up of 0.02. */
const cost = { memoryKib: 1024, passes: 1, lanes: 1 }

type Cases = Readonly<Record<string, () => Promise<unknown>>>

/** Milliseconds of each case, tried in turns. */
async function measure(cases: Cases): Promise<ReadonlyMap<string, readonly number[]>> {
  const times = new Map(Object.keys(cases).map((name): [string, number[]] => [name, []]))
  const run = async (name: string, attempt: () => Promise<unknown>): Promise<void> => {
    const startedAt = performance.now()
    await attempt()
    times.get(name)?.push(performance.now() - startedAt)
  }
  const entries = Object.entries(cases)
  for (let round = 0; round < tries; round += 1) {
    // Each is the first now and then, and follows each of the others.
    const turned = round % 2 === 0 ? entries : entries.toReversed()
    const from = round % entries.length
    const order = [...turned.slice(from), ...turned.slice(0, from)]
    for (const [name, attempt] of order) await run(name, attempt)
  }
  return times
}

/** The share of pairs in which the first takes longer (Mann and Whitney's U, divided by its maximum). */
function shareLonger(one: readonly number[], other: readonly number[]): number {
  let longer = 0
  for (const mine of one) for (const theirs of other) longer += mine > theirs ? 1 : 0
  return longer / (one.length * other.length)
}

function timesOf(
  measured: ReadonlyMap<string, readonly number[]>,
  name: string,
): readonly number[] {
  const times = measured.get(name) ?? []
  assert.equal(times.length, tries, name)
  return times
}

async function openParts(t: TestContext): Promise<StoreParts['parts']> {
  const folder = createTemporaryFolder()
  const people = ['alice', 'blocked', 'imported', 'invited']
  const url = `sqlite:${join(folder.path, 'identity.db')}`
  const store = await openPartsAt(url, createChosenClock().now, people)
  t.after(async () => {
    await store.database.close()
    folder.remove()
  })
  const { accounts } = store.parts
  const ours = await hashPassword(normalisePassword('right password'), cost)
  // One iteration of PBKDF2, which takes no time at all.
  const foreign = `$pbkdf2-sha256$1$4vjV83LKPjQzk31VI4E0Vw$${'A'.repeat(43)}`
  for (const identifier of people) {
    const { id: accountId, passwordHash: oldHash } = await accountOf(store, identifier)
    const newHash = { imported: foreign, invited: noPasswordHash }[identifier] ?? ours
    await accounts.replacePasswordHash({ accountId, oldHash, newHash })
  }
  const { id: accountId } = await accountOf(store, 'blocked')
  await accounts.block({ accountId, actor: commandLine, reason: 'theft' })
  return {
    ...store.parts,
    passwords: createHasher({ cost }),
    unmatchablePasswordHash: await hashPassword(normalisePassword('nobody has it'), cost),
  }
}

function refusedLogin(parts: StoreParts['parts'], identifier: string): () => Promise<void> {
  return async () => {
    const outcome = await login(parts, { identifier, password: 'wrong password' })
    assert.deepEqual(outcome, { kind: 'refused', why: 'bad-credentials' })
  }
}

test('2,000 refused logins do not tell unknown, blocked and existing accounts apart', async (t) => {
  const parts = await openParts(t)
  const measured = await measure({
    'wrong password': refusedLogin(parts, 'alice'),
    'unknown account': refusedLogin(parts, 'nobody'),
    'impossible identifier': refusedLogin(parts, 'no body'),
    'blocked account': refusedLogin(parts, 'blocked'),
  })
  const normal = timesOf(measured, 'wrong password')
  for (const name of measured.keys()) {
    const share = shareLonger(timesOf(measured, name), normal)
    assert.ok(Math.abs(share - 0.5) < bound, `${name}: ${share.toFixed(3)} take longer`)
  }
})

test('a hash from elsewhere that is cheaper than ours makes no refusal shorter, nor does none', async (t) => {
  const parts = await openParts(t)
  const measured = await measure({
    'wrong password': refusedLogin(parts, 'alice'),
    'imported hash': refusedLogin(parts, 'imported'),
    'no password yet': refusedLogin(parts, 'invited'),
  })
  const normal = timesOf(measured, 'wrong password')
  for (const name of ['imported hash', 'no password yet']) {
    const share = shareLonger(timesOf(measured, name), normal)
    assert.ok(share > 0.5 - bound, `${name}: only ${share.toFixed(3)} take longer`)
  }
})

test('a login that checks nothing for unknown accounts would be found out', async (t) => {
  const parts = await openParts(t)
  const { verify } = parts.passwords
  const leaky: typeof parts = {
    ...parts,
    passwords: {
      ...parts.passwords,
      verify: async (hash, typed, asker) =>
        hash === parts.unmatchablePasswordHash ? { kind: 'mismatch' } : verify(hash, typed, asker),
    },
  }
  const measured = await measure({
    'wrong password': refusedLogin(leaky, 'alice'),
    'unknown account': refusedLogin(leaky, 'nobody'),
  })
  const unknown = timesOf(measured, 'unknown account')
  assert.ok(shareLonger(unknown, timesOf(measured, 'wrong password')) < 0.5 - bound)
})
