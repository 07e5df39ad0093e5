import assert from 'node:assert/strict'
import type { AccessTokenClaims } from '@portcullis/protocol'
import type { Chain, RevocationRecord } from '@portcullis/protocol/revocations'
import { fingerprintOf, firstChain, nextChain } from '@portcullis/protocol/revocations'
import { createSerialQueue } from '../../packages/identity/src/domain/serial-queue.ts'
import type { RevocationLog } from '../../packages/identity/src/domain/revocations.ts'

/** What a follower knows of the revocation log, which it reads through the store. */
export interface FollowedLog {
  /** Reads what is new: dense, chained up to the head, and no shorter than before. */
  readonly catchUp: () => Promise<void>
  /** Whether a follower refuses a token with these claims. */
  readonly refuses: (claims: AccessTokenClaims) => boolean
  readonly recordsOf: (kind: 'session' | 'account', key: string) => number
}

export function followLog(log: () => Pick<RevocationLog, 'since'>, issuer: string): FollowedLog {
  const records = new Map<string, { count: number; floor: number }>()
  let followed: { epoch: string; seq: number; chain: Chain; at: number } | undefined
  const nameOf = (kind: RevocationRecord['kind'], key: string): string =>
    `${kind} ${fingerprintOf(issuer, kind, key)}`
  const take = ({ kind, fingerprint, floor }: RevocationRecord): void => {
    const name = `${kind} ${fingerprint}`
    const known = records.get(name)
    records.set(name, {
      count: (known?.count ?? 0) + 1,
      floor: Math.max(known?.floor ?? 0, floor),
    })
  }
  // Histories that run at the same time ask for it at the same time.
  const inTurn = createSerialQueue()
  return {
    catchUp: () =>
      inTurn(async () => {
        const { head, records: news } = await log().since(followed?.seq ?? 0)
        const {
          epoch,
          chain: before,
          seq,
          at,
        } = followed ?? {
          epoch: head.epoch,
          chain: firstChain(head.epoch),
          seq: 0,
          at: 0,
        }
        assert.equal(head.epoch, epoch, 'a new epoch began, and nothing was lost')
        let chain = before
        for (const [place, record] of news.entries()) {
          assert.equal(record.seq, seq + place + 1, 'the log has a gap')
          chain = nextChain(chain, record)
          take(record)
        }
        assert.deepEqual(
          [head.seq, head.chain],
          [seq + news.length, chain],
          'the log is another one',
        )
        assert.ok(head.at >= at, 'the time of the log went back')
        followed = { epoch, seq: head.seq, chain, at: head.at }
      }),
    refuses: ({ sub, sid = '', gen = -1 }) => {
      const floor = records.get(nameOf('account', sub))?.floor ?? 0
      return records.has(nameOf('session', sid)) || gen < floor
    },
    recordsOf: (kind, key) => records.get(nameOf(kind, key))?.count ?? 0,
  }
}
