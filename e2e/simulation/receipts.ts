import type { ReceiptState } from '../../packages/identity/src/domain/receipts.ts'
import { awaitReceipts } from '../../packages/identity/src/domain/receipts.ts'
import { StoreUnavailableError } from '../../packages/identity/src/domain/store-unavailable.ts'
import { Broken } from './faults.ts'
import { hasApplied, nameOfTakeBack } from './judgement.ts'
import type { IdentityNode } from './nodes.ts'
import type { SimulatedFollower } from './services.ts'
import type { TakeBack } from './token-ledger.ts'
import type { World } from './world.ts'

const waitMs = 12_000
/** A follower reports every ten seconds; whoever has not for so long may be thought to be gone. */
const surelyLiveMs = 60_000

/** Waits, as whoever revokes may, until it is everywhere; and looks whether what is said of each is so. */
export async function askForReceipts(
  world: World,
  node: IdentityNode,
  one: TakeBack,
): Promise<void> {
  const { time, tally } = world
  const { position } = one
  if (position === undefined) return
  const askedAt = time.now()
  try {
    const { receipts: store, inTurn } = node
    const parts = { store, inTurn, monotonic: time.now, pause: time.pause }
    const options = { waitMs, shownMax: 200, isLeft: node.isOver }
    const found = await awaitReceipts(parts, position, options)
    if (found.kind !== 'summary') return tally.count('receipts of what is over')
    tally.count(found.isEverywhere ? 'receipts: everywhere' : 'receipts: not everywhere')
    for (const follower of world.followers) {
      const name = follower.reported()?.follower
      const receipt = found.receipts.find((receiptOf) => receiptOf.follower === name)
      judgeReceipt(world, follower, { one, askedAt, state: receipt?.state })
    }
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error
    tally.count('receipts without an answer')
  }
}

interface Said {
  readonly one: TakeBack
  readonly askedAt: number
  readonly state: ReceiptState | undefined
}

/** That it refuses by itself is the bound, which is judged whenever it is shown a token. */
function judgeReceipt(
  { time, sites }: World,
  follower: SimulatedFollower,
  { one, askedAt, state }: Said,
): void {
  const reported = follower.reported()
  const { position } = one
  if (reported === undefined || position === undefined) return
  if (state?.kind === 'applied') {
    if (hasApplied(follower, one) || follower.hasBeenAt(position)) return
    throw new Broken(`${nameOfTakeBack(one)} is said to have been applied at ${follower.name}`)
  }
  // Another server may lack the reports of the one before.
  const isSurelyLive = reported.firstAt < askedAt && time.now() - reported.lastAt < surelyLiveMs
  if (state === undefined && isSurelyLive && sites.length === 1) {
    throw new Broken(`no receipt of ${nameOfTakeBack(one)} names ${follower.name}`)
  }
}
