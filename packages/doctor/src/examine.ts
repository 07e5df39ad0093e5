import { setTimeout as sleep } from 'node:timers/promises'
import type { Setting } from './attacks/adapted-recipe.ts'
import type { AttackRequest, Unmade } from './attacks/attack.ts'
import { readCorpus } from './attacks/corpus.ts'
import { createTokenAttacks, plainRequest } from './attacks/token-attacks.ts'
import { DoctorError } from './doctor-error.ts'
import { isSharedCacheable, offersDpop } from './endpoint/answer-faults.ts'
import type { Answer, Sender } from './endpoint/sender.ts'
import { createSender } from './endpoint/sender.ts'
import type { Target } from './endpoint/target.ts'
import { parseTarget } from './endpoint/target.ts'
import { runTrials } from './endpoint/trials.ts'
import type { ExamineOptions, OwnIssuerSettings } from './examine-options.ts'
import type { Trial } from './report/outcome.ts'
import type { Observation, Report } from './report/report.ts'
import { countsOf, findingsOf, heldOf, observationsOf } from './report/report.ts'
import type { OwnIssuer } from './tokens/own-issuer.ts'
import { startOwnIssuer } from './tokens/own-issuer.ts'
import type { Trap } from './tokens/trap.ts'
import { startTrap } from './tokens/trap.ts'

/**
 * Attacks one address with every entry of the corpus that fits, and says what it should have refused. Sends to that
 * address and nowhere else, follows no redirect, and writes nothing unless it is given a method that writes.
 * Does NOT look at what a token allows once it is accepted. Throws a `DoctorError` when nothing can be said.
 */
export async function examine(options: ExamineOptions): Promise<Report> {
  const target = orUsage(() => parseTarget(options.url, options.method))
  const startedAt = new Date().toISOString()
  const { requestsMax = 2000, requestsPerSecond = 50, onPlan } = options
  onPlan?.({ url: target.url, method: target.method, requestsMax, requestsPerSecond })
  const issuer = await start(options.issuer)
  const host = options.issuer.host ?? defaultHost
  const trap = await startTrap(host, () => [issuer.attackerKey()])
  const sender = createSenderOf(target, options, requestsMax)
  try {
    const found = await attackWith({ target, issuer, trap, sender, options })
    return { ...found, startedAt, endedAt: new Date().toISOString(), requests: sender.sent() }
  } finally {
    sender.close()
    await Promise.all([issuer.close(), trap.close()])
  }
}

interface World {
  readonly target: Target
  readonly issuer: OwnIssuer
  readonly trap: Trap
  readonly sender: Sender
  readonly options: ExamineOptions
}

type Found = Omit<Report, 'startedAt' | 'endedAt' | 'requests'>

async function attackWith(world: World): Promise<Found> {
  const { target, issuer, trap, sender, options } = world
  const { audience, claims = {} } = options.issuer
  const setting: Setting = { audience, claims, trapOrigin: trap.origin }
  const { algorithm, forge } = issuer
  const plain = (): AttackRequest => plainRequest({ ...setting, forge })

  options.issuer.onTrust?.({ ...issuer.addresses, issuer: issuer.issuer, audience, algorithm })
  await untilTrusted(world, plain)
  const valid = await answerTo(sender, plain())
  const anonymous = await answerTo(sender, { headers: [] })
  if (isPassed(anonymous, options)) return unprotected(target, anonymous)

  const corpus = readCorpus()
  const { attacks, unmade } = createTokenAttacks({ ...setting, corpus, algorithm, forge })
  const { onProgress } = options
  const trials = await runTrials(attacks, {
    sender,
    plain,
    isPassed: (answer) => isPassed(answer, options),
    onProgress,
  })
  const others = [...visitsOf(trap), ...cachingOf(valid)]
  return reportOf(target, trials, unmade, others, offersDpop(anonymous))
}

const defaultHost = '127.0.0.1'

async function start(settings: OwnIssuerSettings): Promise<OwnIssuer> {
  const { algorithm = 'RS256', host = defaultHost, port = 0, issuerUrl } = settings
  try {
    return await startOwnIssuer({ algorithm, host, port, issuerUrl })
  } catch (error) {
    const why = error instanceof Error ? error.message : 'error'
    const remedy = 'Name an address of this machine that is free, and an issuer URL with https.'
    throw new DoctorError('usage', `the issuer cannot be started: ${why}`, remedy)
  }
}

function createSenderOf(target: Target, options: ExamineOptions, requestsMax: number): Sender {
  const { body, requestsPerSecond = 50, answerMsMax = 5000 } = options
  const requestsPerSecondMax = requestsPerSecond
  return createSender({ target, body, requestsMax, requestsPerSecondMax, answerMsMax })
}

/** Asks again and again with a valid token, until it passes. */
async function untilTrusted(world: World, plain: () => AttackRequest): Promise<void> {
  const { target, options } = world
  const { waitSeconds = 300 } = options.issuer
  const endsAt = performance.now() + waitSeconds * 1000
  // Those of the waiting are not counted as attacks.
  const sender = createSenderOf(target, options, Number.POSITIVE_INFINITY)
  let said = 'it did not answer'
  try {
    for (;;) {
      const answer = await sender.send(plain())
      if (answer.kind === 'answer' && isPassed(answer, options)) return
      said = answer.kind === 'answer' ? `it answers ${answer.status}` : 'it does not answer'
      if (performance.now() >= endsAt) break
      await sleep(betweenTriesMs)
    }
  } finally {
    sender.close()
  }
  throw new DoctorError(
    'unreachable',
    `a valid token does not pass at ${target.url}: ${said}`,
    'Let the service trust the issuer that was named, for that audience, and name a route that this token may use.',
  )
}

const betweenTriesMs = 500

async function answerTo(sender: Sender, request: AttackRequest): Promise<Answer> {
  const answer = await sender.send(request)
  if (answer.kind === 'answer') return answer
  throw new DoctorError(
    'unreachable',
    'the service has stopped answering',
    'Start it, and try again.',
  )
}

function isPassed({ status }: Answer, { acceptedStatuses = [] }: ExamineOptions): boolean {
  return (status >= 200 && status < 300) || acceptedStatuses.includes(status)
}

/** Nothing else would say anything: every attack passes where nobody is asked for a token. */
function unprotected({ url }: Target, { status }: Answer): Found {
  const open: Observation = {
    id: 'V93-missing',
    forges: 'no Authorization field',
    weakness: 'no-token',
    references: ['RFC 6750 2.1'],
    saw: `accepted (${status})`,
  }
  return {
    version: 1,
    target: url,
    mode: 'own-issuer',
    attacks: { made: 1, refused: 0, accepted: 1, noted: 0, notJudged: 0, notMade: 0 },
    findings: findingsOf([open]),
    notes: [],
    held: [],
    notJudged: [],
    notMade: [],
  }
}

function visitsOf(trap: Trap): readonly Observation[] {
  const visits = [...new Set(trap.takeVisits())].slice(0, visitsToldMax)
  return visits.map((path) => ({
    id: 'V80',
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

function reportOf(
  { url }: Target,
  trials: readonly Trial[],
  unmade: readonly Unmade[],
  others: readonly Observation[],
  takesProofs: boolean,
): Found {
  const seen = [...observationsOf(trials), ...others].map((one) =>
    one.weakness === 'bound-token' && takesProofs ? { ...one, severity: 'high' as const } : one,
  )
  const all = findingsOf(seen)
  return {
    version: 1,
    target: url,
    mode: 'own-issuer',
    attacks: countsOf(trials, unmade),
    findings: all.filter(({ severity }) => severity !== 'info'),
    notes: all.filter(({ severity }) => severity === 'info'),
    held: heldOf(trials),
    notJudged: trials.flatMap(({ attack, outcome }) =>
      outcome.kind === 'not-judged' ? [{ id: attack.id, why: outcome.why }] : [],
    ),
    notMade: unmade,
  }
}

function orUsage<Result>(parse: () => Result): Result {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new DoctorError(
      'usage',
      error.message,
      'Name one protected address, such as https://api.example.com/orders.',
    )
  }
}
