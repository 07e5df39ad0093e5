import type { Anomaly } from '@portcullis/client/admin'
import { isInForce, isQuietSince } from '../data/done-since.ts'
import type { Decision } from '../elements/decision.tsx'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'

interface Offer {
  readonly decide: (anomaly: Anomaly) => Decision | undefined
  /** Kinds of the record after which it would change nothing, as long as they are in force. */
  readonly settledBy: readonly string[]
  /** After which it has been done, and may be done once more. */
  readonly doneBy?: readonly string[]
}

const signingOut: Offer = {
  decide: signOut,
  settledBy: ['account-blocked', 'account-deleted'],
  doneBy: ['all-sessions-ended', 'reset-forced'],
}
const resetting: Offer = {
  decide: reset,
  settledBy: ['account-deleted'],
  doneBy: ['reset-forced'],
}
const blocking: Offer = { decide: block, settledBy: ['account-blocked', 'account-deleted'] }
const ending: Offer = {
  decide: endSession,
  settledBy: [
    'session-ended',
    'session-limit',
    'refresh-reuse',
    'all-sessions-ended',
    'account-blocked',
    'account-deleted',
    'password-reset',
    'reset-forced',
  ],
}
const disabling: Offer = { decide: disable, settledBy: ['client-disabled', 'client-deleted'] }
const rotating: Offer = { decide: rotate, settledBy: ['keys-rotated', 'key-withdrawn'] }

/** What fits each rule, the best first. Where there is nothing, something has to be done elsewhere. */
const offers: ReadonlyMap<string, readonly Offer[]> = new Map([
  ['refresh-reuse', [signingOut, blocking]],
  ['guessed-login', [resetting, blocking]],
  ['session-in-several-networks', [ending, signingOut]],
  ['new-device', [signingOut]],
  ['token-volume', [disabling]],
  ['key-overdue', [rotating]],
])

/** What may still be done; last what was done already, as something to be done once more. */
export function decisionsFor(anomaly: Anomaly): readonly Decision[] {
  const open = (offers.get(anomaly.rule) ?? []).filter(
    ({ settledBy }) => !isInForce(anomaly, settledBy),
  )
  const isDone = ({ doneBy }: Offer): boolean =>
    doneBy !== undefined && isQuietSince(anomaly, doneBy)
  const decided = (fitting: readonly Offer[]): readonly Decision[] =>
    fitting.map(({ decide }) => decide(anomaly)).filter((decision) => decision !== undefined)
  return [
    ...decided(open.filter((offer) => !isDone(offer))),
    ...decided(open.filter(isDone)).map(onceMore),
  ]
}

function onceMore(decision: Decision): Decision {
  return { ...decision, action: texts.anomalies.again(decision.action), isDangerous: false }
}

/** The one that fits best, as long as nobody has done anything. */
export function firstDecisionFor(anomaly: Anomaly): readonly Decision[] {
  return isQuietSince(anomaly) ? [] : decisionsFor(anomaly).slice(0, 1)
}

/** The words of a rule, or what the issuer says of one that is not known here. */
export function wordsOf({ rule, suggestedAction = '' }: Anomaly): {
  readonly name: string
  readonly meaning: string
  readonly toDo: string
} {
  return texts.anomalies.rules[rule] ?? { name: rule, meaning: '', toDo: suggestedAction }
}

function accountOf({ about, subject, evidence }: Anomaly): string | undefined {
  return about === 'account' ? subject : evidence.accounts[0]
}

function worded(
  anomaly: Anomaly,
  { action, title, text }: typeof texts.anomalies.block,
  run: Decision['run'],
): Decision {
  const usualReason = wordsOf(anomaly).name
  return { title, explanation: text, action, isDangerous: true, usualReason, run }
}

function ofAccount(
  anomaly: Anomaly,
  words: typeof texts.anomalies.block,
  run: (id: string, reason: string) => ReturnType<Decision['run']>,
): Decision | undefined {
  const id = accountOf(anomaly)
  return id === undefined ? undefined : worded(anomaly, words, (reason) => run(id, reason))
}

function signOut(anomaly: Anomaly): Decision | undefined {
  const run = administration.accounts.logOut
  return ofAccount(anomaly, texts.anomalies.signOut, (id, reason) => run(id, { reason }))
}

function block(anomaly: Anomaly): Decision | undefined {
  const run = administration.accounts.block
  return ofAccount(anomaly, texts.anomalies.block, (id, reason) => run(id, { reason }))
}

function reset(anomaly: Anomaly): Decision | undefined {
  const run = administration.accounts.reset
  return ofAccount(anomaly, texts.anomalies.reset, (id, reason) => run(id, { reason }))
}

function endSession(anomaly: Anomaly): Decision {
  return worded(anomaly, texts.anomalies.endSession, (reason) =>
    administration.sessions.end(anomaly.subject, { reason }),
  )
}

function disable(anomaly: Anomaly): Decision {
  return worded(anomaly, texts.anomalies.disable, (reason) =>
    administration.clients.disable(anomaly.subject, { reason }),
  )
}

function rotate(anomaly: Anomaly): Decision {
  const decision = worded(anomaly, texts.anomalies.rotate, async (reason) => {
    const keys = await administration.keys.list()
    const key = keys.find(({ kid }) => kid === anomaly.subject)
    // The others of its age are not overdue.
    const which = key === undefined ? {} : { purpose: key.purpose, algorithm: key.algorithm }
    await administration.keys.rotate({ ...which, reason })
    return undefined
  })
  return { ...decision, isDangerous: false }
}
