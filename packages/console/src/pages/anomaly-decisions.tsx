import type { Anomaly } from '@portcullis/client/admin'
import type { Decision } from '../elements/decision.tsx'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'

type Offer = (anomaly: Anomaly) => Decision | undefined

/** What fits each rule, the best first. Where there is nothing, something has to be done elsewhere. */
const offers: ReadonlyMap<string, readonly Offer[]> = new Map([
  ['refresh-reuse', [signOut, block]],
  ['guessed-login', [reset, block]],
  ['session-in-several-networks', [endSession, signOut]],
  ['new-device', [signOut]],
  ['token-volume', [disable]],
  ['key-overdue', [rotate]],
])

export function decisionsFor(anomaly: Anomaly): readonly Decision[] {
  const fitting = offers.get(anomaly.rule) ?? []
  return fitting.map((offer) => offer(anomaly)).filter((decision) => decision !== undefined)
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
