import type { Findings, Row, Sample } from './findings.ts'
import {
  atLeast,
  atMost,
  less,
  medianCpuUs,
  perSecond,
  rateRow,
  ratioOf,
  samplesOf,
  spreadOf,
  timeRow,
} from './findings.ts'
import type { Ask } from './http-load.ts'
import { loadOf } from './http-load.ts'
import { makeIdentityFolder, password, removeFolder, startIdentityIn } from './identity-server.ts'
import { identifierOf } from './identity-store.ts'
import { startLimit } from './limit.ts'
import type { PasswordCost } from './limit-process.ts'
import type { FloodedRound } from './login-flood.ts'
import { floodInRounds } from './login-flood.ts'
import type { Plan } from './rounds.ts'
import { interleave } from './rounds.ts'

/** More than log in during a run: a throttle that counts by account has nothing to count. */
const accounts = 20_000
const quickAccounts = 300

/** All come from one address, and whoever waits for a check counts as failed until it is made. */
const crowd = { networkFreeTries: 100_000, strangerTriesPerMinute: 1_000_000 }

/** Identity's own, which is OWASP's first choice. */
const ourCost: PasswordCost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
/** Keycloak's default, 7 MiB and 5 passes. */
const keycloakCost: PasswordCost = { memoryCost: 7_168, timeCost: 5, parallelism: 1 }
/** Logins a second and vCPU by Keycloak's sizing guide. Quoted, not measured here. */
const keycloakPerCore = 15

const ofRawMin = 0.9
const moonshotOfRaw = 0.97
const refreshSlowdownMax = 2
/** What `at once` means for somebody who is told to come back later. */
const refusalMsMax = 50

const raw = 'argon2id alone'
const rawKeycloak = 'argon2id alone, as Keycloak sets it'
const ours = 'ours'

/** First logins as fast as they are answered, then more than can be, beside people who refresh. */
export async function measure(plan: Plan): Promise<Findings> {
  const folder = await makeIdentityFolder(plan.isQuick ? quickAccounts : accounts)
  const server = await startIdentityIn(folder, 'RS256', { loginProtection: crowd })
  const limit = await startLimit(raw, { kind: 'check-password', cost: ourCost })
  const keycloak = await startLimit(rawKeycloak, { kind: 'check-password', cost: keycloakCost })
  try {
    const askOnce = loginInTurn(plan.isQuick ? quickAccounts : accounts)
    const atCapacity = loadOf(
      ours,
      server,
      async (ask) => {
        const status = await askOnce(ask)
        if (status !== 200) throw new Error(`a login was refused: ${status}`)
      },
      4,
    )
    const contestants = [limit.contestant, atCapacity, keycloak.contestant]
    const samples = await interleave(contestants, loginPlan(plan))
    const rounds = await floodInRounds(
      {
        server,
        refreshTokens: folder.refreshTokens,
        login: askOnce,
        loginsPerSecondMax: rateRow(ours, samplesOf(samples, ours)).max,
      },
      plan,
    )
    return findingsOf(samples, rounds)
  } finally {
    await limit.end()
    await keycloak.end()
    await server.stop()
    removeFolder(folder)
  }
}

/** A login takes 20 ms, so half a second would be few of them. */
function loginPlan(plan: Plan): Plan {
  return plan.isQuick ? plan : { isQuick: false, rounds: 7, warmUpMs: 2_000, roundMs: 2_000 }
}

function loginInTurn(count: number): (ask: Ask) => Promise<number> {
  let next = 0
  return async (ask) => {
    next = (next % count) + 1
    const body = JSON.stringify({ identifier: identifierOf(next), password })
    const headers = { 'content-type': 'application/json' }
    const answered = await ask({ path: '/login', body, headers })
    if (answered.status === 503 && answered.headers['retry-after'] === undefined) {
      throw new Error('a login was put off, and not until when')
    }
    if (answered.status === 200 && typeof answered.members['refresh_token'] !== 'string') {
      throw new Error('a login was answered without a refresh token')
    }
    return answered.status
  }
}

function findingsOf(
  samples: ReadonlyMap<string, readonly Sample[]>,
  rounds: readonly FloodedRound[],
): Findings {
  const of = (name: string): readonly Sample[] => samplesOf(samples, name)
  const toRaw = ratioOf('logins to argon2id alone', of(raw), of(ours))
  const besides = less(of(ours), of(raw))
  const atKeycloakCost = perSecond(medianCpuUs(of(rawKeycloak)) + medianCpuUs(besides))
  const spread = (name: string, unit: string, pick: (round: FloodedRound) => number): Row => ({
    name,
    unit,
    ...spreadOf(rounds.map(pick)),
  })
  const refusals = spread('flooded: 503 and Retry-After, p99', 'ms', (each) => each.refusalP99Ms)
  const slowdown = spreadOf(rounds.map(({ floodedP99Ms, aloneP99Ms }) => floodedP99Ms / aloneP99Ms))
  const slower = 'refresh p99, flooded to alone'
  return {
    rows: [
      ...[...samples].map(([name, each]) => rateRow(name, each)),
      timeRow('a login besides its hash', besides),
      spread('refresh alone, p50', 'ms', (each) => each.aloneP50Ms),
      spread('refresh alone, p99', 'ms', (each) => each.aloneP99Ms),
      spread('refresh beside a flood of logins, p50', 'ms', (each) => each.floodedP50Ms),
      spread('refresh beside a flood of logins, p99', 'ms', (each) => each.floodedP99Ms),
      refusals,
      spread('flooded: logins that were answered', '/s', (each) => each.signedInPerSecond),
    ],
    ratios: [toRaw, { name: slower, ...slowdown }],
    mustReach: [
      atLeast(toRaw.name, toRaw.median, ofRawMin),
      atMost(slower, slowdown.median, refreshSlowdownMax),
      atMost(`${refusals.name} in ms`, refusals.median, refusalMsMax),
    ],
    moonshots: [atLeast(toRaw.name, toRaw.median, moonshotOfRaw)],
    notes: [
      `Keycloak publishes ${keycloakPerCore} logins a second and vCPU (its own figure, not measured here)`,
      `with hashes as cheap as Keycloak's ours would be ${atKeycloakCost.toFixed(0)} a second of CPU`,
    ],
  }
}
