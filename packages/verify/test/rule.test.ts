import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Checkpoint } from '@portcullis/protocol/revocations'
import { firstChain } from '@portcullis/protocol/revocations'
import { createFreshness } from '../src/revocation/freshness.ts'
import { createRule } from '../src/revocation/rule.ts'
import { createRevocationTable } from '../src/revocation/table.ts'

test('the version grows with every other list of keys, also where a kid holds a comma', () => {
  const issuer = 'https://id.example'
  const epoch = 'A'.repeat(22)
  let checkpoint: Checkpoint | undefined
  const rule = createRule({
    table: createRevocationTable(issuer),
    liveKids: { kids: () => checkpoint?.kids },
    freshness: createFreshness({
      wall: () => 0,
      monotonic: () => 0,
      maxStalenessMs: 30_000,
      isBehind: () => false,
    }),
    whenStale: 'refuse',
  })
  let version = rule.version()
  for (const kids of [[], ['a', 'b'], ['a,b'], ['a', 'b'], ['b', 'a'], ['a'], ['']]) {
    for (const isNew of [true, false]) {
      checkpoint = { iss: issuer, epoch, seq: 0, chain: firstChain(epoch), at: 0, kids: [...kids] }
      assert.equal(rule.version() > version, isNew, JSON.stringify(kids))
      version = rule.version()
    }
  }
})
