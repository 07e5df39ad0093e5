import type { Attack, AttackRequest } from '../attacks/attack.ts'
import type { WeaknessId } from '../attacks/weaknesses.ts'
import type { Outcome, Trial } from '../report/outcome.ts'
import { faultsOfRefusal } from './answer-faults.ts'
import type { Answer, Sender, Silence } from './sender.ts'

export interface TrialOptions {
  readonly sender: Sender
  /** The valid token, presented plainly. */
  readonly plain: () => AttackRequest
  readonly isPassed: (answer: Answer) => boolean
  /** True when it may be the answer to the valid token. */
  readonly isAlike: (answer: Answer) => boolean
  /** Told after each group of attacks. */
  readonly onProgress?: ((done: number, all: number) => void) | undefined
}

/** So often it is asked whether the plain token still passes: what was refused in between counts only if it does. */
const groupSize = 25

/** Makes each attack once, and pairs it with its twin. */
export async function runTrials(
  attacks: readonly Attack[],
  options: TrialOptions,
): Promise<readonly Trial[]> {
  const trials: Trial[] = []
  const twins = new Map<string, boolean>()
  for (let at = 0; at < attacks.length; at += groupSize) {
    const group = attacks.slice(at, at + groupSize)
    trials.push(...(await runGroup(group, twins, options)))
    const left = attacks.slice(trials.length)
    if (trials.some(hasStopped))
      return [...trials, ...left.map((attack) => notJudged(attack, gone))]
    options.onProgress?.(Math.min(at + groupSize, attacks.length), attacks.length)
  }
  return trials
}

async function runGroup(
  group: readonly Attack[],
  twins: Map<string, boolean>,
  options: TrialOptions,
): Promise<readonly Trial[]> {
  const tried: Trial[] = []
  for (const attack of group) {
    const trial = await tryOne(attack, twins, options)
    tried.push(trial)
    if (hasStopped(trial)) return tried
  }
  if (await passes(options.plain(), options)) return tried
  // A limit that was reached is over some time later; a service that is gone is not.
  const why = 'the valid token did not pass afterwards'
  return tried.map((trial) => {
    const { outcome } = trial
    return outcome.kind === 'refused' ? { ...trial, outcome: { kind: 'not-judged', why } } : trial
  })
}

const gone = 'the service has stopped answering'

function hasStopped({ faults }: Trial): boolean {
  return faults.includes('stops-answering')
}

async function tryOne(
  attack: Attack,
  twins: Map<string, boolean>,
  options: TrialOptions,
): Promise<Trial> {
  if (options.sender.left() < requestsOfOneAttack) {
    return notJudged(attack, 'no request was left')
  }
  const passed = twins.get(attack.twinName) ?? (await passes(attack.twin(), options))
  twins.set(attack.twinName, passed)
  const request = attack.request()
  const answer = await options.sender.send(request)
  if (answer.kind === 'silence') return silent(attack, answer, options)
  const outcome =
    attack.mustBeAlike === true && options.isPassed(answer) && !options.isAlike(answer)
      ? { kind: 'not-judged' as const, why: 'something else is answered there' }
      : judge(answer, passed, options)
  const faults = outcome.kind === 'accepted' ? [] : faultsOfRefusal(answer, request.token)
  return { attack, outcome, faults: outcome.kind === 'not-judged' ? [] : faults }
}

/** Itself and its twin, each twice when a connection is cut, and the question after the group. */
const requestsOfOneAttack = 8

/** About a limit, a gateway or an outage, and not about the token. */
const otherReasons: ReadonlyMap<number, string> = new Map([
  [408, 'it answered 408'],
  [429, 'it asks for fewer requests (429): try again with a lower --requests-per-second'],
  [502, 'it answered 502'],
  [503, 'it answered 503'],
  [504, 'it answered 504'],
])

function judge(answer: Answer, twinPassed: boolean, { isPassed }: TrialOptions): Outcome {
  const { status } = answer
  if (isPassed(answer)) return { kind: 'accepted', status }
  const why = twinPassed ? otherReasons.get(status) : 'its twin, which is valid, does not pass'
  return why === undefined ? { kind: 'refused', status } : { kind: 'not-judged', why }
}

async function silent(attack: Attack, { why }: Silence, options: TrialOptions): Promise<Trial> {
  if (why === 'unsendable') return notJudged(attack, 'no client can send it')
  const lives = await passes(options.plain(), options)
  const fault: WeaknessId = lives ? 'no-answer' : 'stops-answering'
  const said = why === 'too-late' ? 'no answer came in time' : 'the connection was cut'
  return { ...notJudged(attack, said), faults: [fault] }
}

function notJudged(attack: Attack, why: string): Trial {
  return { attack, outcome: { kind: 'not-judged', why }, faults: [] }
}

async function passes(
  request: AttackRequest,
  { sender, isPassed }: Pick<TrialOptions, 'sender' | 'isPassed'>,
): Promise<boolean> {
  const answer = await sender.send(request)
  return answer.kind === 'answer' && isPassed(answer)
}
