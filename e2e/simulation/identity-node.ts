import type { Log, Repeat } from '@portcullis/runtime'
import { takeSteadySteps } from '@portcullis/runtime'
import type { AccessTokenClaims } from '@portcullis/protocol'
import { createSerialQueue } from '../../packages/identity/src/domain/serial-queue.ts'
import { createFeed } from '../../packages/identity/src/domain/feed.ts'
import type { KeyPlace, KeyStock } from '../../packages/identity/src/domain/key-life.ts'
import { deadKeys, keyPolicy, placesMissing } from '../../packages/identity/src/domain/key-life.ts'
import type { KeyStore } from '../../packages/identity/src/domain/key-upkeep.ts'
import { unlimitedGuesses } from '../../packages/identity/src/domain/login-protection.ts'
import { createPepper } from '../../packages/identity/src/domain/refresh-tokens.ts'
import { startFeedBeats } from '../../packages/identity/src/jobs/feed-beats.ts'
import { startHistoryWatch } from '../../packages/identity/src/jobs/history-watch.ts'
import { createPasswordRules } from '../../packages/identity/src/passwords/password-rules.ts'
import { createAccountAdministration } from '../../packages/identity/src/store/account-administration.ts'
import { createAccountStore } from '../../packages/identity/src/store/accounts.ts'
import { createClientAdministration } from '../../packages/identity/src/store/client-administration.ts'
import { createClientStore } from '../../packages/identity/src/store/clients.ts'
import type { Database } from '../../packages/identity/src/store/database.ts'
import type { EpochOptions, OpenedEpoch } from '../../packages/identity/src/store/epochs.ts'
import { continueEpoch, openEpoch } from '../../packages/identity/src/store/epochs.ts'
import { highWaterInMemory } from '../../packages/identity/src/store/high-water.ts'
import { createFollowerStore } from '../../packages/identity/src/store/followers.ts'
import { createReceiptStore } from '../../packages/identity/src/store/receipts.ts'
import { createRenewalWait, openAfterWait } from '../../packages/identity/src/store/renewal-wait.ts'
import { createKeyStore } from '../../packages/identity/src/store/keys.ts'
import { createRevocationLog } from '../../packages/identity/src/store/revocations.ts'
import { createRevokedTokens } from '../../packages/identity/src/store/revoked-tokens.ts'
import { createSessionStore } from '../../packages/identity/src/store/sessions.ts'
import { createUsedProofs } from '../../packages/identity/src/store/used-proofs.ts'
import { algorithm, cheapKey, signCheaply } from './cheap-keys.ts'
import { noteFault } from './faults.ts'
import { highWaterIn } from './kept-high-water.ts'
import { issuer } from './names.ts'
import { createNodeDatabase } from './node-database.ts'
import type { DeedParts, IdentityNode, NodeSlot } from './nodes.ts'
import { registryWith } from './registry.ts'
import type { TakeBack } from './token-ledger.ts'
import type { World } from './world.ts'

const peppers = [createPepper(Buffer.alloc(32, 7))] as const
export const policy = keyPolicy({ jwksMaxAgeSeconds: 5, keyRotationDays: 30 })
const lines = [
  { purpose: 'access-token', algorithm },
  { purpose: 'feed', algorithm },
] as const

export async function startNode(world: World, slot: NodeSlot): Promise<IdentityNode> {
  const life = beginLife(world)
  slot.end = life.end
  const { config, chance, time } = world
  const isShared = config.engine === 'postgres'
  const database = createNodeDatabase({
    owner: slot.name,
    time,
    chance,
    addressed: () => slot.site ?? world.primary,
    isShared,
    lossRate: config.lossRate,
    isOver: life.isOver,
  })
  const highWater = isShared
    ? highWaterInMemory()
    : highWaterIn(slot.file, () => life.pause(chance.between(0, 3)))
  const epoch = epochOptions(world, slot, highWater)
  epoch.tell(await openAfterWait(() => openEpoch(database, epoch.options()), life.pause))
  database.checkConnections(async (connection) => {
    epoch.tell(await continueEpoch(connection, epoch.options()))
  })
  const log = createRevocationLog(database, { issuer, highWater })
  const keys = createKeyStore(database, log.exclusive)
  const held = await startKeys(world, keys, life.repeat)
  const feed = createFeed({
    issuer,
    log,
    signCheckpoint: held.signCheckpoint,
    monotonic: time.now,
  })
  const told = logOf(world)
  startFeedBeats(feed, log, told, {
    times: { repeat: life.repeat, monotonic: time.now, schedule: life.schedule },
  })
  if (isShared) {
    const look = async (): Promise<void> =>
      epoch.tell(
        await continueEpoch(database, { ...epoch.options(), permitRenewal: () => undefined }),
      )
    startHistoryWatch(look, told, life.repeat)
  }
  return {
    slot,
    isOver: life.isOver,
    feed,
    followers: createFollowerStore(database),
    receipts: createReceiptStore(database),
    inTurn: createSerialQueue(),
    keys,
    kids: held.kids,
    activeKid: held.activeKid,
    parts: partsOver(world, slot, database, log.transaction, held, life.pause),
  }
}

interface Life {
  readonly isOver: () => boolean
  readonly end: () => void
  readonly pause: (ms: number) => Promise<void>
  readonly repeat: Repeat
  readonly schedule: (callback: () => void, ms: number) => () => void
}

function beginLife({ time }: World): Life {
  let isOver = false
  const schedule = (callback: () => void, ms: number): (() => void) =>
    time.after(ms, () => {
      if (!isOver) callback()
    })
  const after = (ms: number, callback: () => void): void => void schedule(callback, ms)
  return {
    isOver: () => isOver,
    end: () => {
      isOver = true
    },
    schedule,
    pause: (ms) => new Promise((resolve) => after(ms, resolve)),
    repeat: (step, everyMs) => {
      let isStopped = false
      const later = (): void =>
        after(everyMs, () => {
          if (isStopped) return
          later()
          void step()
        })
      later()
      return () => {
        isStopped = true
      }
    },
  }
}

const nothing = (): undefined => undefined

/** Nobody reads it, but what production goes on after without knowing why is a defect. */
function logOf(world: World): Log {
  const note = ({ err }: { readonly err?: unknown }): void => {
    if (err !== undefined) noteFault(world, err)
  }
  return { error: note, warn: note, info: nothing } as unknown as Log
}

interface Epochs {
  readonly options: () => EpochOptions
  readonly tell: (opened: OpenedEpoch) => void
}

/** Notes in the ledger when an epoch begins: then all that was minted before is taken back. */
function epochOptions(world: World, slot: NodeSlot, highWater: EpochOptions['highWater']): Epochs {
  let begun: TakeBack | undefined
  const newEpoch = (): string => {
    const takeBack: TakeBack = {
      kind: 'all',
      key: '',
      startedAt: world.time.now(),
      endedAt: Infinity,
      acknowledgedAt: undefined,
      issuerHighMs: Infinity,
      position: undefined,
    }
    const name = world.chance.bytes(16).toString('base64url')
    begun = takeBack
    world.takeBacks.push(takeBack)
    takeBack.position = { epoch: name, seq: 1 }
    return name
  }
  const { permit: permitRenewal } = createRenewalWait(world.time.now, ({ why }) => {
    world.tell(`${slot.name} has found a loss: ${why}`)
  })
  return {
    options: () => ({
      issuer,
      permitRenewal,
      highWater,
      newEpoch,
      accessTokenSecondsMax: slot.accessTokenSeconds,
    }),
    tell: ({ kind }) => {
      if (begun === undefined) return
      // The very first takes nothing back.
      if (kind === 'first') {
        world.takeBacks.splice(world.takeBacks.indexOf(begun), 1)
      } else if (kind === 'renewed') {
        world.tally.count('epochs renewed')
        begun.endedAt = world.time.now()
        begun.acknowledgedAt = world.time.now()
        begun.issuerHighMs = world.issuerHighMs
        world.tell(`${slot.name} has begun another epoch`)
        world.onTakeBack(begun)
      }
      begun = undefined
    },
  }
}

interface HeldKids {
  readonly kids: IdentityNode['kids']
  readonly activeKid: IdentityNode['activeKid']
  readonly signCheckpoint: (payload: object, typ: string) => Promise<string>
}

/** Half as often as in production, because it is the same look each time. */
const keyTickMs = 2_000

/** The production life of keys, without their halves. */
async function startKeys(world: World, keys: KeyStore, repeat: Repeat): Promise<HeldKids> {
  let stock: KeyStock = { readAt: 0, keys: [], accessTokenSecondsMax: undefined }
  const keepUp = async (): Promise<undefined> => {
    stock = await keys.readStock()
    const missing: readonly KeyPlace[] = placesMissing(stock, lines)
    if (missing.length > 0) {
      const made = missing.map((place) => ({ ...newKey(world, place), state: place.state }))
      await keys.insertMissing(made)
      stock = await keys.readStock()
    }
    if (deadKeys(stock).length > 0) await keys.destroyDead()
    return undefined
  }
  await keepUp()
  const activeKid: IdentityNode['activeKid'] = (purpose) =>
    stock.keys.find((key) => key.purpose === purpose && key.state === 'active')?.kid
  takeSteadySteps({
    step: keepUp,
    everyMs: keyTickMs,
    trouble: '',
    recovery: '',
    log: logOf(world),
    repeat,
  })
  return {
    kids: (purpose) => stock.keys.filter((key) => key.purpose === purpose).map(({ kid }) => kid),
    activeKid,
    signCheckpoint: async (payload, typ) => signCheaply(payload, typ, kidOf(activeKid('feed'))),
  }
}

export function newKey(
  world: World,
  line: Pick<KeyPlace, 'purpose' | 'algorithm'>,
): ReturnType<typeof cheapKey> {
  world.kidsMade += 1
  return cheapKey(line, `${line.purpose}-${world.kidsMade}`)
}

function kidOf(kid: string | undefined): string {
  if (kid === undefined) throw new Error('there is no key to sign with')
  return kid
}

function partsOver(
  world: World,
  slot: NodeSlot,
  database: Database,
  transaction: Parameters<typeof createRevokedTokens>[0],
  held: HeldKids,
  pause: (ms: number) => Promise<void>,
): DeedParts {
  const { chance, config } = world
  const sign = async (claims: AccessTokenClaims): Promise<string> => {
    // Which key signs is decided when it does.
    await pause(stallMs(world))
    return signCheaply(claims, 'at+jwt', kidOf(held.activeKid('access-token')))
  }
  return {
    registry: registryWith(slot.accessTokenSeconds),
    issuer,
    accounts: createAccountStore(database, transaction),
    clients: createClientStore(database),
    usedProofs: createUsedProofs(database),
    administration: createAccountAdministration(database, transaction),
    clientAdministration: createClientAdministration(database, transaction),
    revokedTokens: createRevokedTokens(transaction),
    sessions: createSessionStore(database, transaction),
    now: slot.clock.read,
    passwords: {
      hash: async (password) => ({ kind: 'hashed', passwordHash: `hash of ${password}` }),
      verify: async (hash, password) => ({
        kind: hash === `hash of ${password}` ? 'match' : 'mismatch',
      }),
      whenFull: () => undefined,
    },
    passwordRules: createPasswordRules({ issuer }),
    protection: unlimitedGuesses,
    unmatchablePasswordHash: 'none',
    afterwards: nothing,
    sign,
    readIssuedToken: async (text) => {
      const [header = '', payload = ''] = text.split('.')
      const kid = String(partOf(header)['kid'])
      if (!held.kids('access-token').includes(kid)) return undefined
      return { claims: partOf(payload) as unknown as AccessTokenClaims, kid }
    },
    randomBytes: chance.bytes,
    tokenBytesMax: 1800,
    peppers,
    refreshGraceSeconds: config.graceSeconds,
    sessionIdleSeconds: 3_600,
    sessionSeconds: 36_000,
  }
}

/** Nearly always at once; a signer elsewhere may take a minute. */
function stallMs({ chance, tally }: World): number {
  if (!chance.happens(0.04)) return chance.between(0, 2)
  tally.count('mints that stalled')
  return chance.between(1_000, 60_000)
}

export function partOf(part: string): Readonly<Record<string, unknown>> {
  return JSON.parse(Buffer.from(part, 'base64url').toString()) as Readonly<Record<string, unknown>>
}
