import { setTimeout as sleep } from 'node:timers/promises'
import type { Unmade } from './attacks/attack.ts'
import { readEndpointAttacks } from './attacks/corpus.ts'
import { createEndpointAttacks } from './attacks/endpoint-attacks.ts'
import { DoctorError } from './doctor-error.ts'
import { isSharedCacheable, offersDpop } from './endpoint/answer-faults.ts'
import { isAlike } from './endpoint/likeness.ts'
import { measureRevocation } from './endpoint/revocation.ts'
import type { Answer, Sender } from './endpoint/sender.ts'
import { createSender } from './endpoint/sender.ts'
import type { Target } from './endpoint/target.ts'
import { parseTarget } from './endpoint/target.ts'
import { runTrials } from './endpoint/trials.ts'
import type { ExamineOptions } from './examine-options.ts'
import type { RevocationOutcome } from './report/outcome.ts'
import type { Found } from './report/found.ts'
import { foundBy, foundOpen } from './report/found.ts'
import type { Observation, Report } from './report/report.ts'
import { createGivenSource } from './tokens/given-source.ts'
import { createOwnSource } from './tokens/own-source.ts'
import type { TokenSource } from './tokens/token-source.ts'
import type { Trap } from './tokens/trap.ts'

/**
 * Attacks one address with every entry of the corpus that fits, and says what it should have refused. Sends to that
 * address and nowhere else, follows no redirect, and writes nothing unless it is given a method that writes.
 * Does NOT look at what a token allows once it is accepted. Throws a `DoctorError` when nothing can be said.
 */
export async function examine(options: ExamineOptions): Promise<Report> {
  const target = targetOf(options)
  const startedAt = new Date().toISOString()
  const { requestsMax = 2000, requestsPerSecond = 50, onPlan } = options
  onPlan?.({ url: target.url, method: target.method, requestsMax, requestsPerSecond })
  const { source, trap } = await createSource(options)
  const sender = createSenderOf(target, options, requestsMax)
  try {
    const found = await attackWith({ target, source, trap, sender, options })
    return { ...found, startedAt, endedAt: new Date().toISOString(), requests: sender.sent() }
  } finally {
    sender.close()
    await Promise.all([source.close(), trap.close()])
  }
}

interface World {
  readonly target: Target
  readonly source: TokenSource
  readonly trap: Trap
  readonly sender: Sender
  readonly options: ExamineOptions
}

async function attackWith(world: World): Promise<Found> {
  const { target, source, trap, sender, options } = world
  const { mode, plain } = source
  await untilTrusted(world)
  const valid = await answerTo(sender, plain())
  const anonymous = await answerTo(sender, { headers: [] })
  if (isPassed(anonymous, options)) return foundOpen(target.url, mode, anonymous.status)

  const { attacks, unmade } = source.attacks()
  const around = endpointAttacksOf(world, valid)
  const trials = await runTrials([...attacks, ...around.attacks], {
    sender,
    plain,
    isPassed: (answer) => isPassed(answer, options),
    isAlike: (answer) => isAlike(valid, answer),
    onProgress: options.onProgress,
  })
  const revocation = await revocationOf(world)
  return foundBy({
    target: target.url,
    mode,
    trials,
    notMade: [...unmade, ...around.unmade],
    others: [...visitsOf(trap), ...cachingOf(valid), ...acceptedAfter(revocation)],
    revocation,
    takesProofs: offersDpop(anonymous),
  })
}

function targetOf({ url, method }: ExamineOptions): Target {
  try {
    return parseTarget(url, method)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    const remedy = 'Name one protected address, such as https://api.example.com/orders.'
    throw new DoctorError('usage', error.message, remedy)
  }
}

async function createSource({
  issuer,
  given,
}: ExamineOptions): Promise<{ readonly source: TokenSource; readonly trap: Trap }> {
  if (issuer !== undefined && given === undefined) return createOwnSource(issuer)
  if (given !== undefined && issuer === undefined) return createGivenSource(given)
  const remedy = 'Either an issuer is started, or tokens are given.'
  throw new DoctorError('usage', 'it is not known where valid tokens come from', remedy)
}

/** Where a valid token is answered with 404, an unknown path tells nothing. */
function endpointAttacksOf(
  { target, source: { plain } }: World,
  { status }: Answer,
): { readonly attacks: ReturnType<typeof createEndpointAttacks>; readonly unmade: Unmade[] } {
  const all = createEndpointAttacks(readEndpointAttacks(), target, plain)
  const isTelling = status < 300
  return {
    attacks: all.filter(({ mustBeAlike }) => isTelling || mustBeAlike !== true),
    unmade: all
      .filter(({ mustBeAlike }) => !isTelling && mustBeAlike === true)
      .map(({ id }) => ({ id, why: 'a valid token is not answered with 2xx' })),
  }
}

function createSenderOf(target: Target, options: ExamineOptions, requestsMax: number): Sender {
  const { body, requestsPerSecond: requestsPerSecondMax = 50, answerMsMax = 5000 } = options
  return createSender({ target, body, requestsMax, requestsPerSecondMax, answerMsMax })
}

/** Asks again and again with a valid token, until it passes. */
async function untilTrusted({ target, source, options }: World): Promise<void> {
  const endsAt = performance.now() + source.waitSeconds * 1000
  // Those of the waiting are not counted as attacks.
  const sender = createSenderOf(target, options, Number.POSITIVE_INFINITY)
  let said = ''
  try {
    for (;;) {
      const answer = await sender.send(source.plain())
      if (answer.kind === 'answer' && isPassed(answer, options)) return
      const why =
        answer.kind === 'answer'
          ? `it answers ${answer.status}`
          : `it does not answer (${answer.why})`
      if (why !== said) options.issuer?.onWait?.(why)
      said = why
      if (performance.now() >= endsAt) break
      await sleep(betweenTriesMs)
    }
  } finally {
    sender.close()
  }
  const remedy =
    source.mode === 'own-issuer'
      ? 'Let the service trust the issuer that was named, for that audience, and name a route that this token may use.'
      : 'Give a token that is valid at this address, and has not expired.'
  throw new DoctorError(
    'unreachable',
    `a valid token does not pass at ${target.url}: ${said}`,
    remedy,
  )
}

const betweenTriesMs = 500

async function answerTo(sender: Sender, request: Parameters<Sender['send']>[0]): Promise<Answer> {
  const answer = await sender.send(request)
  if (answer.kind === 'answer') return answer
  const remedy = 'Start it, and try again.'
  throw new DoctorError('unreachable', 'the service has stopped answering', remedy)
}

function isPassed({ status }: Answer, { acceptedStatuses = [] }: ExamineOptions): boolean {
  return (status >= 200 && status < 300) || acceptedStatuses.includes(status)
}

async function revocationOf({ source, sender, options }: World): Promise<RevocationOutcome> {
  const takeBack = source.takeBack()
  if ('why' in takeBack) return { kind: 'not-tried', why: takeBack.why }
  return measureRevocation(takeBack, {
    sender,
    isPassed: (answer) => isPassed(answer, options),
    secondsMax: options.revocationSeconds ?? 40,
  })
}

/** Worse where the service has promised to learn of it. */
function acceptedAfter(outcome: RevocationOutcome): readonly Observation[] {
  if (outcome.kind !== 'accepted') return []
  return [
    {
      id: 'V89',
      forges: 'a token that was taken back',
      weakness: 'revocation',
      severity: outcome.isPromised ? 'high' : 'medium',
      references: ['RFC 7009', 'RFC 9700 4.14'],
      saw: `accepted ${Math.round(outcome.afterMs / 1000)} s later`,
    },
  ]
}

function visitsOf(trap: Trap): readonly Observation[] {
  const visits = [...new Set(trap.takeVisits())].slice(0, visitsToldMax)
  return visits.map((path) => ({
    id: 'V36',
    forges: 'an address of the attacker in the token',
    weakness: 'outbound-request',
    references: ['RFC 8725 3.10'],
    saw: `it asked the attacker for ${path}`,
  }))
}

const visitsToldMax = 5

function cachingOf(valid: Answer): readonly Observation[] {
  if (!isSharedCacheable(valid)) return []
  return [
    {
      id: 'G43',
      forges: 'nothing: a valid token',
      weakness: 'cacheable',
      references: ['RFC 9111 3.5'],
      saw: 'Cache-Control lets shared caches keep the answer',
    },
  ]
}
