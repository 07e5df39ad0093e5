import type { Findings, Sample } from './findings.ts'
import { atLeast, medianCpuUs, perSecond, rateRow, ratioOf, samplesOf } from './findings.ts'
import type { AskOnce } from './http-load.ts'
import { formOf, loadOf } from './http-load.ts'
import type { IdentityFolder, ServedAlgorithm } from './identity-server.ts'
import {
  copyOfFolder,
  makeIdentityFolder,
  removeFolder,
  startIdentityIn,
} from './identity-server.ts'
import { startLimit } from './limit.ts'
import { machine as peerMachine, startPeer } from './oidc-provider-server.ts'
import type { Plan } from './rounds.ts'
import { interleave, serverPlan } from './rounds.ts'
import type { Running } from './running.ts'
import { endAll } from './running.ts'

const algorithms: readonly ServedAlgorithm[] = ['RS256', 'ES256']
const rs256PerCoreMin = 1_000
const moonshotOfRaw = 0.9
/** Client credential grants a second and vCPU by Keycloak's sizing guide. Quoted, not measured here. */
const keycloakPerCore = 120
/** Nobody signs in, but a store is never empty. */
const sessions = 100

/** A machine asks for a token with its secret: nothing is written, so this is HTTP and a signature. */
export async function measure(plan: Plan): Promise<Findings> {
  const folder = await makeIdentityFolder(sessions)
  const running: Running[] = []
  try {
    for (const algorithm of algorithms) {
      running.push(await runOurs(await copyOfFolder(folder), algorithm))
      running.push(await runPeer(algorithm))
      running.push(await startLimit(`${algorithm}: sign alone`, { kind: 'sign', algorithm }))
    }
    const contestants = running.map(({ contestant }) => contestant)
    return findingsOf(await interleave(contestants, serverPlan(plan)))
  } finally {
    await endAll(running)
    removeFolder(folder)
  }
}

async function runOurs(folder: IdentityFolder, algorithm: ServedAlgorithm): Promise<Running> {
  const server = await startIdentityIn(folder, algorithm)
  const { clientId, clientSecret } = folder.machine
  return {
    contestant: loadOf(`${algorithm}: ours`, server, askFor(clientId, clientSecret)),
    end: async () => {
      await server.stop()
      removeFolder(folder)
    },
  }
}

/** Where it keeps its tokens does not matter: a JWT is not kept. */
async function runPeer(algorithm: ServedAlgorithm): Promise<Running> {
  const { server, end } = await startPeer(algorithm, 'memory', sessions)
  const { clientId, clientSecret } = peerMachine
  const askOnce = askFor(clientId, clientSecret)
  return { contestant: loadOf(`${algorithm}: node-oidc-provider`, server, askOnce), end }
}

function askFor(clientId: string, clientSecret: string): AskOnce {
  const credential = Buffer.from(`${clientId}:${clientSecret}`).toString('base64')
  const form = formOf({ grant_type: 'client_credentials', scope: 'orders:read' })
  const headers = { ...form.headers, authorization: `Basic ${credential}` }
  let lastToken = ''
  return async (ask) => {
    const { status, members } = await ask({ ...form, path: '/token', headers })
    const { access_token: token, error } = members
    if (status !== 200) throw new Error(`a machine was refused: ${status} ${String(error)}`)
    if (typeof token !== 'string' || token.split('.').length !== 3) throw new Error('no JWT')
    if (token === lastToken) throw new Error('an access token was answered twice')
    lastToken = token
  }
}

function findingsOf(samples: ReadonlyMap<string, readonly Sample[]>): Findings {
  const of = (name: string): readonly Sample[] => samplesOf(samples, name)
  const toRaw = algorithms.map((algorithm) =>
    ratioOf(
      `${algorithm}: ours to sign alone`,
      of(`${algorithm}: sign alone`),
      of(`${algorithm}: ours`),
    ),
  )
  const toPeer = algorithms.map((algorithm) =>
    ratioOf(
      `${algorithm}: ours to node-oidc-provider`,
      of(`${algorithm}: node-oidc-provider`),
      of(`${algorithm}: ours`),
    ),
  )
  const perCore = perSecond(medianCpuUs(of('RS256: ours')))
  return {
    rows: [...samples].map(([name, each]) => rateRow(name, each)),
    ratios: [...toPeer, ...toRaw],
    mustReach: [atLeast('RS256: tokens a second of CPU', perCore, rs256PerCoreMin)],
    moonshots: toRaw
      .filter(({ name }) => name.startsWith('RS256'))
      .map(({ name, median }) => atLeast(name, median, moonshotOfRaw)),
    notes: [
      `Keycloak publishes ${keycloakPerCore} a second and vCPU (its own figure, not measured here)`,
    ],
  }
}
