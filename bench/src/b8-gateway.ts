import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../tools/free-port.ts'
import type { Findings, Goal, Ratio, Sample } from './findings.ts'
import { atLeast, atMost, medianCpuUs, ratioOf, samplesOf, timeRow } from './findings.ts'
import type { Issuer } from './issuer.ts'
import { audience, startIssuer } from './issuer.ts'
import { measuredCore } from './pinning.ts'
import type { ProxiedLoad } from './proxied-load.ts'
import { loadThrough } from './proxied-load.ts'
import type { Proxy, RunningProxy } from './proxies.ts'
import { proxiesHere } from './proxies.ts'
import type { Contestant, Plan } from './rounds.ts'
import { interleave, serverPlan } from './rounds.ts'
import { startServer } from './server-process.ts'
import { stockOf } from './token-stock.ts'

const liveTokens = 10_000
const quickTokens = 100
const revocations = 1_000
/** Enough that nobody waits for the load, which has the other core. */
const connections = 32
/** By then every revocation is everywhere. */
const feedMs = 1_000

const cpuUsMax = 90
const moonshotCpuUs = 40
const toNginxAskingMin = 2
const toFastifyMin = 4

/** One request to a service that does nothing, through each who stands before services. */
export async function measure(plan: Plan): Promise<Findings> {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
  const issuer = await startIssuer('RS256', revocations)
  const upstream = await startUpstream(folder)
  const trust = {
    key: issuer.publicKey.export({ type: 'spki', format: 'pem' }),
    issuer: issuer.issuer,
    audience,
  }
  const running: RunningProxy[] = []
  const loads: ProxiedLoad[] = []
  const contestants: Contestant[] = []
  try {
    const tokens = stockOf(await issuer.mint(plan.isQuick ? quickTokens : liveTokens))
    for (const proxy of proxiesHere()) {
      const started = await proxy.start({ folder, upstream: upstream.port, trust })
      running.push(started)
      await holdAgainst(proxy, started, issuer)
      const load = await loadThrough(started, tokens, connections)
      loads.push(load)
      await load.showAll()
      contestants.push({ name: proxy.name, sample: load.sample })
    }
    return findingsOf(await interleave(contestants, serverPlan(plan)))
  } finally {
    for (const { close } of loads) close()
    for (const { end } of running) await end()
    await upstream.stop()
    await issuer.end()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function startUpstream(
  folder: string,
): Promise<{ readonly port: number; readonly stop: () => Promise<void> }> {
  const port = await freePort()
  const file = fileURLToPath(new URL('upstream-process.ts', import.meta.url))
  const { stop } = await startServer({
    parameters: [file, String(port)],
    folder,
    port,
    readyUrl: `http://127.0.0.1:${port}/`,
    core: measuredCore,
  })
  return { port, stop }
}

/** Whoever says that it verifies does: throws when one lets in what it must refuse, or refuses what is good. */
async function holdAgainst(
  { name, refuses }: Proxy,
  { port }: RunningProxy,
  issuer: Issuer,
): Promise<void> {
  const [good = '', ended = ''] = await issuer.mint(2)
  const [forged = ''] = await issuer.forge([{ signature: 'flipped-bit' }])
  await issuer.revokeSessionOf(ended)
  await wait(feedMs)
  const expected = [
    ['a good token', good, true],
    ['a forged token', forged, refuses === 'nothing'],
    ['a token of a session that ended', ended, refuses !== 'forged-and-revoked'],
  ] as const
  for (const [what, token, isLetIn] of expected) {
    const { status } = await fetch(`http://127.0.0.1:${port}/orders/42`, {
      headers: { authorization: `Bearer ${token}`, connection: 'close' },
    })
    if (status !== (isLetIn ? 200 : 401)) throw new Error(`${name} answers ${what} with ${status}`)
  }
}

function findingsOf(samples: ReadonlyMap<string, readonly Sample[]>): Findings {
  const of = (name: string): readonly Sample[] => samplesOf(samples, name)
  const ours = of('ours')
  const toOurs = (name: string): Ratio => ratioOf(`${name} to ours`, of(name), ours)
  const others = [...samples.keys()].filter((name) => name !== 'ours').map(toOurs)
  const goalOf = (name: string, least: number): readonly Goal[] =>
    others
      .filter((ratio) => ratio.name === `${name} to ours`)
      .map((ratio) => atLeast(ratio.name, ratio.median, least))
  const cpuUs = medianCpuUs(ours)
  return {
    rows: [...samples].map(([name, each]) => timeRow(name, each)),
    ratios: others,
    mustReach: [
      atMost('ours: µs of CPU a request', cpuUs, cpuUsMax),
      ...goalOf('nginx + auth_request', toNginxAskingMin),
      ...goalOf('@fastify/http-proxy + fast-jwt', toFastifyMin),
    ],
    moonshots: [atMost('ours: µs of CPU a request', cpuUs, moonshotCpuUs)],
    notes: [
      'each token was seen twice before: those who remember tokens know all that live',
      'nobody but ours knows what was revoked; HAProxy, nginx and Caddy are one process of compiled code',
      'what nginx asks is node:http with fast-jwt and its cache, and is counted with it',
    ],
  }
}
