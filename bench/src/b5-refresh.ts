import type { Findings, Sample } from './findings.ts'
import { atLeast, medianCpuUs, perSecond, rateRow, ratioOf, samplesOf } from './findings.ts'
import { loadOf } from './http-load.ts'
import type { IdentityFolder, ServedAlgorithm } from './identity-server.ts'
import {
  audience,
  copyOfFolder,
  makeIdentityFolder,
  removeFolder,
  startIdentityIn,
} from './identity-server.ts'
import { startLimit } from './limit.ts'
import type { StorageName } from './oidc-provider-adapters.ts'
import { peerRefresh, startPeer } from './oidc-provider-server.ts'
import { ourRefresh, provesItself, refreshInTurn } from './refreshing.ts'
import { runOnPostgres } from './postgres-contestant.ts'
import type { Plan } from './rounds.ts'
import { interleave, serverPlan } from './rounds.ts'
import type { Running } from './running.ts'
import { endAll } from './running.ts'

const sessions = 100_000
const quickSessions = 500
const algorithms: readonly ServedAlgorithm[] = ['RS256', 'ES256']
/** With the quicker signature the store is the larger share. */
const onPostgres: ServedAlgorithm = 'ES256'
const peerStorages: readonly StorageName[] = ['memory', 'sqlite']

const perCoreMin: Readonly<Record<ServedAlgorithm, number>> = { RS256: 900, ES256: 2_500 }
/** Against its durable storage: ours is durable as well. */
const timesPeer = 3
const durable: StorageName = 'sqlite'
const moonshotOfRawRs256 = 0.9
const moonshotEs256PerCore = 5_000
/** Refreshes a second and vCPU that Keycloak's sizing guide gives. Quoted, and not measured here. */
const keycloakPerCore = 120

/** Every refresh rotates a session for good, and is answered with an access token that was just signed. */
export async function measure(plan: Plan): Promise<Findings> {
  const count = plan.isQuick ? quickSessions : sessions
  const folder = await makeIdentityFolder(count)
  const running: Running[] = []
  try {
    for (const algorithm of algorithms) {
      running.push(await runOurs(await copyOfFolder(folder), algorithm))
      for (const storage of peerStorages) running.push(await runPeer(algorithm, storage, count))
      running.push(await startLimit(`${algorithm}: sign alone`, { kind: 'sign', algorithm }))
    }
    running.push(await runStorage(await copyOfFolder(folder)))
    const postgres = await runOnPostgres(onPostgres, count)
    if (postgres !== undefined) running.push(postgres)
    const contestants = running.map(({ contestant }) => contestant)
    const findings = findingsOf(await interleave(contestants, serverPlan(plan)), count)
    const ownRow = postgres?.ownRow(serverPlan(plan).rounds)
    return ownRow === undefined ? findings : { ...findings, rows: [...findings.rows, ownRow] }
  } finally {
    await endAll(running)
    removeFolder(folder)
  }
}

async function runOurs(folder: IdentityFolder, algorithm: ServedAlgorithm): Promise<Running> {
  const server = await startIdentityIn(folder, algorithm)
  const dialect = { ...ourRefresh, audience }
  const [first = '', ...others] = folder.refreshTokens
  await provesItself(server, folder.issuer, algorithm, dialect, first)
  return {
    contestant: loadOf(`${algorithm}: ours`, server, refreshInTurn(others, dialect)),
    end: async () => {
      await server.stop()
      removeFolder(folder)
    },
  }
}

async function runPeer(
  algorithm: ServedAlgorithm,
  storage: StorageName,
  count: number,
): Promise<Running> {
  const { server, issuer, refreshTokens, end } = await startPeer(algorithm, storage, count)
  const [first = '', ...others] = refreshTokens
  await provesItself(server, issuer, algorithm, peerRefresh, first)
  const name = `${algorithm}: node-oidc-provider, ${storage}`
  return { contestant: loadOf(name, server, refreshInTurn(others, peerRefresh)), end }
}

async function runStorage(folder: IdentityFolder): Promise<Running> {
  const { database, refreshTokens } = folder
  const sessionIds = refreshTokens.map((token) => token.split('.')[1] ?? '')
  const limit = { kind: 'rotate', database, sessionIds } as const
  const { contestant, end } = await startLimit('storage alone', limit)
  return {
    contestant,
    end: async () => {
      await end()
      removeFolder(folder)
    },
  }
}

function findingsOf(samples: ReadonlyMap<string, readonly Sample[]>, count: number): Findings {
  const of = (name: string): readonly Sample[] => samplesOf(samples, name)
  const perCore = (name: string): number => perSecond(medianCpuUs(of(name)))
  const ratios = algorithms.flatMap((algorithm) => [
    ...peerStorages.map((storage) =>
      ratioOf(
        `${algorithm}: ours to node-oidc-provider, ${storage}`,
        of(`${algorithm}: node-oidc-provider, ${storage}`),
        of(`${algorithm}: ours`),
      ),
    ),
    ratioOf(
      `${algorithm}: ours to sign alone`,
      of(`${algorithm}: sign alone`),
      of(`${algorithm}: ours`),
    ),
    // What signs and does nothing else is no more times as fast as this.
    ratioOf(
      `${algorithm}: sign alone to node-oidc-provider, ${durable}`,
      of(`${algorithm}: node-oidc-provider, ${durable}`),
      of(`${algorithm}: sign alone`),
    ),
  ])
  const ofRaw = ratios.find(({ name }) => name === 'RS256: ours to sign alone')?.median ?? 0
  return {
    rows: [...samples].map(([name, each]) => rateRow(name, each)),
    ratios,
    mustReach: [
      ...algorithms.map((algorithm) =>
        atLeast(
          `${algorithm}: refreshes a second of CPU`,
          perCore(`${algorithm}: ours`),
          perCoreMin[algorithm],
        ),
      ),
      ...ratios
        .filter(({ name }) => name.endsWith(`ours to node-oidc-provider, ${durable}`))
        .map(({ name, median }) => atLeast(name, median, timesPeer)),
    ],
    moonshots: [
      atLeast('RS256: ours to sign alone', ofRaw, moonshotOfRawRs256),
      atLeast('ES256: refreshes a second of CPU', perCore('ES256: ours'), moonshotEs256PerCore),
    ],
    notes: [
      `${count} sessions in each store; every answer was checked to be a rotation`,
      'node-oidc-provider in memory forgets every session at a restart; in sqlite it is as durable as ours',
      'PostgreSQL is durable as well; its server shares the core of the load, and its CPU time is a row of its own',
      `Keycloak publishes ${keycloakPerCore} refreshes a second and vCPU (its own figure, not measured here)`,
    ],
  }
}
