import { unknownNetwork } from '@portcullis/runtime/networks'
import type { Evidence, Finding } from './anomalies.ts'
import type { AnyWatcher, Judged } from './watchers.ts'
import { watcher } from './watchers.ts'
import type { Distinct } from './distinct.ts'
import { countOf, withDistinct } from './distinct.ts'
import type { Marks, Tallies } from './marks.ts'
import { isMarked, sumOf, withMark, withoutMark, withTally } from './marks.ts'
import type { At, Clue, Sighting } from './sightings.ts'

const minuteMs = 60_000
const dayMs = 24 * 60 * minuteMs
const windowMs = 60 * minuteMs
const pieces = 6
/** Thresholds are lower than this, and evidence needs no more. */
const marksMax = 64
/** People mistype, and then get in. Those who try lists of stolen passwords hardly ever do. */
const failuresPerLoginMin = 2

/** What was tried from one network. */
interface Tries {
  /** Accounts that were failed at, and that nobody got into from there since. */
  readonly failed: Marks
  readonly failures: Tallies
  /** Accounts that were signed in to: whoever signs in to one of his own again and again is one. */
  readonly entered: Distinct
}

const noTries: Tries = { failed: [], failures: [], entered: [] }

const ofNetwork = watcher<Tries>({
  name: 'guesses-of-network',
  keepMs: 2 * windowMs,
  subjectOf: (clue) =>
    (clue.kind === 'wrong-password' || clue.kind === 'signed-in') && clue.network !== unknownNetwork
      ? clue.network
      : undefined,
  see: (tries = noTries, clue, { bounds }) => {
    if (clue.kind === 'wrong-password') return seeFailure(tries, clue, bounds.accountsPerNetworkMin)
    return clue.kind === 'signed-in'
      ? seeLogin(tries, clue, bounds.accountsPerNetworkMin)
      : { state: tries }
  },
})

function seeFailure(
  tries: Tries,
  { at, network, target, times }: At<Extract<Sighting, { readonly kind: 'wrong-password' }>>,
  accountsMin: number,
): Judged<Tries> {
  const state: Tries = {
    failed: withMark(tries.failed, target, { at, windowMs, max: marksMax }),
    failures: withTally(tries.failures, times, { at, windowMs, pieces }),
    entered: tries.entered,
  }
  if (!isStuffing(state, at, accountsMin)) return { state }
  const evidence = evidenceOf(state, { at, network })
  return { state, findings: [{ rule: 'credential-stuffing', subject: network, at, evidence }] }
}

function seeLogin(
  tries: Tries,
  {
    at,
    network,
    accountId,
    sessionId,
    isStranger,
  }: At<Extract<Sighting, { readonly kind: 'signed-in' }>>,
  accountsMin: number,
): Judged<Tries> {
  const findings: Finding[] = []
  if (isStranger && isStuffing(tries, at, accountsMin)) {
    const evidence = { ...evidenceOf(tries, { at, network }), sessions: [sessionId] }
    findings.push({ rule: 'guessed-login', subject: accountId, at, evidence })
  }
  const state: Tries = {
    failed: withoutMark(tries.failed, accountId),
    failures: tries.failures,
    entered: withDistinct(tries.entered, accountId, { at, windowMs, pieces }),
  }
  return { state, findings }
}

function isStuffing(
  { failed, failures, entered }: Tries,
  at: number,
  accountsMin: number,
): boolean {
  const tried = failed.filter(([, failedAt]) => failedAt > at - windowMs).length
  const enough = failuresPerLoginMin * countOf(entered, at, windowMs)
  return tried >= accountsMin && sumOf(failures, at, windowMs) >= enough
}

function evidenceOf(
  { failed, failures, entered }: Tries,
  { at, network }: { readonly at: number; readonly network: string },
): Evidence {
  return {
    networks: [network],
    counts: {
      accounts: failed.length,
      wrong_passwords: sumOf(failures, at, windowMs),
      logins: countOf(entered, at, windowMs),
    },
  }
}

const ofAccount = watcher<{ readonly networks: Marks }>({
  name: 'networks-of-account',
  keepMs: windowMs,
  subjectOf: (clue) => (clue.kind === 'wrong-password' ? clue.accountId : undefined),
  see: ({ networks } = { networks: [] }, clue, { bounds }) => {
    if (clue.kind !== 'wrong-password') return { state: { networks } }
    const { at, network } = clue
    const state = { networks: withMark(networks, network, { at, windowMs, max: marksMax }) }
    const count = state.networks.length
    if (clue.accountId === undefined || count < bounds.networksPerAccountMin) return { state }
    const evidence = {
      networks: state.networks.map(([name]) => name),
      counts: { networks: count },
    }
    const subject = clue.accountId
    return { state, findings: [{ rule: 'guessing-from-many-networks', subject, at, evidence }] }
  },
})

const devicesMax = 16
const devicesKeptMs = 90 * dayMs

const ofDevices = watcher<{ readonly devices: Marks }>({
  name: 'devices-of-account',
  keepMs: devicesKeptMs,
  subjectOf: (clue) => (clue.kind === 'signed-in' ? clue.accountId : undefined),
  see: (known, clue) => seeDevice(known, clue),
})

function seeDevice(
  known: { readonly devices: Marks } | undefined,
  clue: Clue,
): Judged<{ readonly devices: Marks }> {
  const { devices } = known ?? { devices: [] }
  if (clue.kind !== 'signed-in') return { state: { devices } }
  const { at, accountId, device, network, sessionId } = clue
  const lastAt = devices.find(([mark]) => mark === device)?.[1]
  // Written once a day, and not at each login.
  if (known !== undefined && lastAt !== undefined && at - lastAt < dayMs) return { state: known }
  const state = {
    devices: withMark(devices, device, { at, windowMs: devicesKeptMs, max: devicesMax }),
  }
  const isNew = known !== undefined && clue.isStranger && !isMarked(devices, device)
  if (!isNew) return { state }
  const evidence = { networks: [network], sessions: [sessionId] }
  return { state, findings: [{ rule: 'new-device', subject: accountId, at, evidence }] }
}

export const loginWatchers: readonly AnyWatcher[] = [ofNetwork, ofAccount, ofDevices]
