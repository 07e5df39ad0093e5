import { setTimeout as sleep } from 'node:timers/promises'
import type { TestIssuer } from '@portcullis/verify/testing'
import { createTestIssuer } from '@portcullis/verify/testing'
import type { Mutant } from '../simulation/mutants.ts'
import { assess } from './assessment.ts'
import type { Client } from './conversation.ts'
import { openClient } from './conversation.ts'
import type { GatewayProcess } from './gateway-process.ts'
import { startGatewayProcess } from './gateway-process.ts'
import type { Desk } from './desk.ts'
import { createDesk } from './desk.ts'
import type { Batch } from './grammar.ts'
import { batchOf, octetsOf } from './grammar.ts'
import { judge } from './judge.ts'
import { readRequests } from './messages.ts'
import type { Services } from './recording.ts'
import { startServices } from './recording.ts'
import { shrink } from './shrinking.ts'
import type { TokenBook } from './tokens.ts'
import { mintTokens } from './tokens.ts'
import { gatewayFile, headBounds } from './world.ts'

export interface Campaign {
  readonly seed: number
  readonly requests: number
  /** Only this batch of the seed. */
  readonly batch?: number | undefined
  /** A rule of the gateway that is broken on purpose. */
  readonly mutant?: Pick<Mutant, 'file' | 'changes'> | undefined
  readonly tell?: (line: string) => void
}

export interface Outcome {
  readonly requests: number
  readonly forwarded: number
  readonly refused: number
  /** What is no request by the letter. */
  readonly unreadable: number
  readonly seconds: number
  readonly failure: Failure | undefined
}

export interface Failure {
  readonly batch: number
  readonly why: string
  /** What has been sent, and the least of it that fails as well. */
  readonly octets: string
  readonly shrunk: string
}

const connections = 64
/** Tokens live for a quarter of an hour. */
const tokensMs = 300_000

/** A gateway in a process of its own, with services that record behind it. */
export async function runCampaign(campaign: Campaign): Promise<Outcome> {
  const issuer = await createTestIssuer({ algorithm: 'ES256' })
  const desk = createDesk()
  const services = await startServices(desk)
  const file = gatewayFile(issuer.issuer, services.origins)
  const gateway = await startGatewayProcess(file, campaign.mutant)
  try {
    return await live(campaign, { issuer, desk, services, gateway })
  } finally {
    await gateway.stop()
    services.close()
    await issuer.close()
  }
}

interface Stage {
  readonly issuer: TestIssuer
  readonly desk: Desk
  readonly services: Services
  readonly gateway: GatewayProcess
}

async function live(
  { seed, requests, batch: only, tell }: Campaign,
  stage: Stage,
): Promise<Outcome> {
  const { desk, gateway, issuer } = stage
  let tokens = mintTokens(issuer)
  const minting = setInterval(() => (tokens = mintTokens(issuer)), tokensMs)
  const startedMs = performance.now()
  const tally = { requests: 0, forwarded: 0, refused: 0, unreadable: 0 }
  let failed: { batch: Batch; why: string } | undefined
  let number = only ?? 0
  const beat = setInterval(() => {
    const seconds = (performance.now() - startedMs) / 1000
    tell?.(`${tally.requests} requests, ${Math.round(tally.requests / seconds)} a second`)
  }, 10_000)
  const serveOne = async (): Promise<void> => {
    let client: Client | undefined
    while (failed === undefined && tally.requests < requests) {
      const batch = batchOf(seed, number)
      number += 1
      client = client?.isOpen() === true ? client : await openClient(gateway.port)
      const lived = await liveThrough(batch, client, desk, tokens)
      tally.requests += lived.requests
      tally.forwarded += lived.forwarded
      tally.refused += lived.refused
      tally.unreadable += lived.unreadable
      if (lived.fault !== undefined) failed ??= { batch, why: lived.fault }
      if (only !== undefined) break
    }
    client?.close()
  }
  await Promise.all(Array.from({ length: only === undefined ? connections : 1 }, serveOne))
  clearInterval(minting)
  clearInterval(beat)
  const seconds = (performance.now() - startedMs) / 1000
  const why = failed?.why ?? desk.fault() ?? (gateway.trouble() || undefined)
  const failure = why === undefined ? undefined : await shrunkFailure(why, failed, stage, tokens)
  return { ...tally, seconds, failure }
}

async function shrunkFailure(
  why: string,
  failed: { readonly batch: Batch } | undefined,
  { gateway, desk }: Stage,
  tokens: TokenBook,
): Promise<Failure> {
  if (failed === undefined) return { batch: -1, why, octets: '', shrunk: '' }
  const fails = async (batch: Batch): Promise<boolean> => {
    const client = await openClient(gateway.port)
    const { fault } = await liveThrough(batch, client, desk, tokens)
    client.close()
    // What comes late is of the last one.
    await sleep(5)
    return fault !== undefined && kindOf(fault) === kindOf(why)
  }
  const least = await shrink(failed.batch, fails)
  return { batch: failed.batch.number, why, octets: shown(failed.batch), shrunk: shown(least) }
}

/** With the names of its tokens. */
function shown(batch: Batch): string {
  return octetsOf(batch, (name) => `{${name}}`)
}

/** Without the request that it is about. */
function kindOf(fault: string): string {
  return fault.replace(/^.*?\): /, '').slice(0, 20)
}

interface Lived {
  readonly requests: number
  readonly forwarded: number
  readonly refused: number
  readonly unreadable: number
  readonly fault: string | undefined
}

async function liveThrough(
  batch: Batch,
  client: Client,
  desk: Desk,
  tokens: TokenBook,
): Promise<Lived> {
  const octets = octetsOf(batch, tokens.textOf)
  const stream = readRequests(octets, headBounds)
  const verdicts = stream.messages.map((message) => judge(message, tokens))
  const received = desk.open(batch.number)
  const seen = await client.say(octets, batch.pieces, stream)
  if (stream.rest !== 'nothing') client.close()
  const { forwarded, fault, faultOfLate } = assess({ stream, verdicts, received, seen })
  desk.close(batch.number, faultOfLate)
  return {
    requests: stream.messages.length + (stream.rest === 'nothing' ? 0 : 1),
    forwarded,
    refused: verdicts.filter(({ kind }) => kind === 'refused').length,
    unreadable: stream.rest === 'nothing' ? 0 : 1,
    fault: fault ?? desk.fault(),
  }
}
