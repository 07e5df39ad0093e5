import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '@portcullis/runtime'
import { StartError } from '@portcullis/runtime'
import type { CheckedPeppers, PepperClaim, PepperInUse } from './domain/pepper-use.ts'
import { randomIdentifier } from './domain/random.ts'
import type { RefreshPeppers } from './domain/refresh-tokens.ts'
import type { Registry } from './domain/registry.ts'
import { accessTokenSecondsMax, pagesClientName } from './domain/registry.ts'
import { startNotingPepperUse } from './jobs/pepper-use.ts'
import type { IdentitySettings } from './settings.ts'
import { synchroniseClients } from './store/clients.ts'
import type { Database } from './store/database.ts'
import { pathOfDatabase } from './store/open-database.ts'
import { appendEvent } from './store/events.ts'
import type { EpochOptions, OpenedEpoch } from './store/epochs.ts'
import { continueEpoch, openEpoch } from './store/epochs.ts'
import { highWaterAt, highWaterInMemory } from './store/high-water.ts'
import { createPepperStore } from './store/refresh-peppers.ts'
import { createRenewalWait, openAfterWait } from './store/renewal-wait.ts'
import type { StoredRevocationLog } from './store/revocations.ts'
import { createRevocationLog } from './store/revocations.ts'

/*
 * What a store must have before anything is served from it. What an operator can mend is a `StartError`.
 */

export interface OpenedRevocations {
  readonly revocations: StoredRevocationLog
  /**
   * Looks whether the store has lost history, and begins an epoch when it has. Undefined for a file, which
   * nobody puts back while it is open.
   */
  readonly lookForLoss: (() => Promise<void>) | undefined
}

/** The revocation log, in an epoch that can be gone on with, and from here on in no other one. */
export async function openRevocations(
  settings: IdentitySettings,
  database: Database,
  log: Log,
  onRecords?: (count: number) => void,
): Promise<OpenedRevocations> {
  const { issuer } = settings.registry
  const path = pathOfDatabase(settings.database)
  const highWater = path === undefined ? highWaterInMemory() : highWaterAt(`${path}.high-water`)
  const { permit: permitRenewal } = createRenewalWait(
    () => performance.now(),
    ({ why: detail }, waitMs) => {
      log.warn({ detail, waitMs }, 'history was lost: nothing is answered until a new epoch begins')
    },
  )
  const options: EpochOptions = {
    issuer,
    permitRenewal,
    highWater,
    newEpoch: () => randomIdentifier(randomBytes),
    accessTokenSecondsMax: accessTokenSecondsMax(settings.registry),
  }
  // Where connections stay while the server behind them is replaced, this node would answer over them meanwhile.
  const atOnce: EpochOptions = { ...options, permitRenewal: () => undefined }
  const tell = (opened: OpenedEpoch): void => {
    if (opened.kind !== 'renewed') return
    const { why: detail } = opened
    log.warn({ detail }, 'a new epoch began: everybody has to sign in again')
    // Not waited for: a connection that is being checked cannot wait for another one.
    database
      .transaction((query) => appendEvent(query, { kind: 'history-renewed', reason: detail }))
      .catch((error: unknown) => {
        log.error({ err: error }, 'that history was renewed is not in the audit record')
      })
  }
  tell(await openAfterWait(() => openEpoch(database, options), pause))
  database.checkConnections(async (connection) => tell(await continueEpoch(connection, options)))
  return {
    revocations: createRevocationLog(database, {
      issuer,
      highWater,
      ...(onRecords && { onRecords }),
    }),
    lookForLoss: highWater.isKept
      ? undefined
      : async () => tell(await continueEpoch(database, atOnce)),
  }
}

/** Makes the store's clients those of the operator's file. */
export async function synchroniseDeclaredClients(
  { transaction }: StoredRevocationLog,
  registry: Registry,
): Promise<void> {
  const declared = [...registry.clients].map(([name, declaration]) => ({
    ...declaration,
    name,
    newId: randomIdentifier(randomBytes),
  }))
  const outcome = await synchroniseClients(transaction, declared)
  if (outcome.kind === 'name-taken') {
    throw new StartError(
      `the store already has a client ${outcome.name} that is not from the settings file`,
      outcome.name === pagesClientName
        ? "That is the name of the built-in client of identity's own pages. Delete the one in the store with the version from before."
        : 'Give the client of the file another name.',
    )
  }
}

/**
 * Notices a pepper that was exchanged and not rolled. Answers how to say, once tokens are issued with the
 * present one, that they are: a start that fails must not leave word of a pepper that nobody has used.
 */
export async function checkPeppers(
  database: Database,
  peppers: RefreshPeppers,
  settings: IdentitySettings,
  log: Log,
): Promise<() => Promise<() => Promise<void>>> {
  const [first, ...others] = peppers
  const { sessionIdleSeconds, dangerouslySignOutSessionsOfPepper: givenUp } = settings
  const claim: PepperClaim = {
    ids: [first.id, ...others.map(({ id }) => id)],
    givenUp,
    sessionIdleSeconds,
  }
  const store = createPepperStore(database)
  refuseLoss(await store.check(claim))
  return async () => {
    refuseLoss(await store.claim(claim))
    if (givenUp !== undefined) {
      log.warn({ pepper: givenUp }, 'refresh tokens of this pepper are given up by its setting')
    }
    return startNotingPepperUse(store, claim, log)
  }
}

function refuseLoss({ lost }: CheckedPeppers): void {
  const [first] = lost
  if (first !== undefined) throw pepperError(first, lost)
}

function pepperError(first: PepperInUse, peppers: readonly PepperInUse[]): StartError {
  const which = peppers
    .map((pepper) => `${pepper.id} (until ${new Date(pepper.aliveUntil).toISOString()})`)
    .join(', ')
  return new StartError(
    `refresh tokens live that were issued with another pepper, which is not set here: ${which}`,
    'Set PORTCULLIS_REFRESH_PEPPER_PREVIOUS to that pepper for as long. If it is lost, or if everybody who has ' +
      `such a token is to be signed out, set PORTCULLIS_DANGEROUSLY_SIGN_OUT_SESSIONS_OF_PEPPER=${first.id}.`,
  )
}
