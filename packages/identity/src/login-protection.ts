import type { Log } from '@portcullis/runtime'
import type { AttemptStore } from './domain/login-attempts.ts'
import { createAttemptKeys } from './domain/login-attempts.ts'
import type { LoginProtection, Observation } from './domain/login-protection.ts'
import { createLoginProtection, unlimitedGuesses } from './domain/login-protection.ts'
import { createStrangerBudget } from './domain/stranger-budget.ts'
import type { Notice } from './domain/anomalies/sightings.ts'
import { startForgettingAttempts } from './jobs/forgotten-attempts.ts'
import type { IdentitySettings } from './settings.ts'
import type { Database } from './store/database.ts'
import { createAttemptStore } from './store/login-attempts.ts'

export interface StartedLoginProtection {
  readonly protection: LoginProtection
  readonly stop: () => Promise<void>
}

interface Surroundings {
  /** Under which attempts are counted: the same on all nodes. */
  readonly attemptKey: Buffer
  readonly log: Log
  readonly now: () => number
  readonly notice?: Notice
}

/** Wires up what stands before every check of a password. */
export function startLoginProtection(
  settings: IdentitySettings['loginProtection'],
  database: Database,
  { attemptKey, log, now, notice }: Surroundings,
): StartedLoginProtection {
  if (settings.dangerouslyUnlimitedGuesses) {
    log.warn('everybody may guess passwords without limit: dangerouslyUnlimitedGuesses is set')
    return { protection: unlimitedGuesses, stop: async () => undefined }
  }
  const { freeTries, delaySecondsMax, networkFreeTries, networkDelaySecondsMax } = settings
  const account = { freeTries, delaySecondsMax }
  const network = { freeTries: networkFreeTries, delaySecondsMax: networkDelaySecondsMax }
  const { knownNetworkDays, strangerTriesPerMinute } = settings
  const attempts = createAttemptStore(database, { account, network, knownNetworkDays })
  const protection = createLoginProtection({
    attempts,
    keysOf: createAttemptKeys(attemptKey),
    accountBound: account,
    strangers: createStrangerBudget(strangerTriesPerMinute, now),
    report: createReport(attempts, log, now),
    notice,
  })
  return { protection, stop: startForgettingAttempts(attempts, log) }
}

const reminderMs = 60_000

/** No answer waits for these, so that its time does not tell whether the account exists. */
function createReport(
  attempts: Pick<AttemptStore, 'noteDelay'>,
  log: Log,
  now: () => number,
): (observation: Observation) => void {
  let remindedAt = -Infinity
  return (observation) => {
    if (observation.kind === 'account-delayed') {
      const { accountId } = observation
      log.warn(
        { accountId },
        'many passwords were wrong for one account: further tries are delayed',
      )
      attempts.noteDelay(accountId).catch((error: unknown) => {
        log.error({ err: error }, 'the event of delayed tries was not kept')
      })
      return
    }
    if (now() - remindedAt < reminderMs) return
    remindedAt = now()
    log.warn(
      'many passwords are wrong for many accounts: strangers have to wait, known networks go on',
    )
  }
}
