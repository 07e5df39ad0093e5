import type { LoginParts } from '../../packages/identity/src/domain/login.ts'
import type { RefreshParts } from '../../packages/identity/src/domain/refresh.ts'
import type { PasswordChangeParts } from '../../packages/identity/src/domain/password-change.ts'
import type { TokenExchangeParts } from '../../packages/identity/src/domain/token-exchange.ts'
import type { TokenRevocationParts } from '../../packages/identity/src/domain/token-revocation.ts'
import type { AccountAdministration } from '../../packages/identity/src/domain/account-administration.ts'
import type { ClientAdministration } from '../../packages/identity/src/domain/client-administration.ts'
import type { Feed } from '../../packages/identity/src/domain/feed.ts'
import type { FollowerStore } from '../../packages/identity/src/domain/followers.ts'
import type { ReceiptStore } from '../../packages/identity/src/domain/receipts.ts'
import type { SerialQueue } from '../../packages/identity/src/domain/serial-queue.ts'
import type { KeyStore } from '../../packages/identity/src/domain/key-upkeep.ts'
import type { KeyPurpose } from '../../packages/identity/src/domain/key-life.ts'
import type { Clock } from './clock.ts'
import type { HighWaterFile } from './kept-high-water.ts'
import type { Site } from './node-database.ts'

export interface NodeSlot {
  readonly name: string
  readonly clock: Clock
  readonly file: HighWaterFile
  /** Stands where it was cut off with the old primary. */
  site: Site | undefined
  node: IdentityNode | undefined
  /** Ends whatever runs or starts there at the moment. */
  end: (() => void) | undefined
  isWanted: boolean
  accessTokenSeconds: number
}

export type DeedParts = LoginParts &
  RefreshParts &
  PasswordChangeParts &
  TokenExchangeParts &
  TokenRevocationParts & {
    readonly administration: AccountAdministration
    readonly clientAdministration: ClientAdministration
  }

/** From a start to a crash. */
export interface IdentityNode {
  readonly slot: NodeSlot
  readonly isOver: () => boolean
  readonly feed: Feed
  readonly followers: FollowerStore
  readonly receipts: ReceiptStore
  /** Of those who wait for receipts. */
  readonly inTurn: SerialQueue
  readonly parts: DeedParts
  readonly keys: KeyStore
  /** The kids that this node publishes. */
  readonly kids: (purpose: KeyPurpose) => readonly string[]
  readonly activeKid: (purpose: KeyPurpose) => string | undefined
}
