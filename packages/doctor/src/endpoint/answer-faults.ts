import type { WeaknessId } from '../attacks/weaknesses.ts'
import type { Answer } from './sender.ts'

/** What is wrong with a refusal, whatever it refuses. */
export function faultsOfRefusal(answer: Answer, token: string | undefined): readonly WeaknessId[] {
  const faults: readonly (readonly [WeaknessId, boolean])[] = [
    ['server-error', answer.status >= 500],
    ['stack-trace', stackTraces.some((trace) => trace.test(answer.body))],
    ['token-in-answer', token !== undefined && repeats(answer, token)],
    ['challenge', answer.status === 401 && !hasChallenge(answer)],
  ]
  return faults.filter(([, isThere]) => isThere).map(([id]) => id)
}

/** RFC 9111 section 3.5: who may keep the answer to a request with Authorization. Others must not. */
export function isSharedCacheable(answer: Answer): boolean {
  const directives = valuesOf(answer, 'cache-control').flatMap((value) => value.split(','))
  const names = new Set(directives.map((directive) => directive.trim().toLowerCase().split('=')[0]))
  return names.has('public') || (names.has('s-maxage') && !names.has('private'))
}

/** True where proofs of possession are taken: a bound token without one is worse there. */
export function offersDpop(answer: Answer): boolean {
  return valuesOf(answer, 'www-authenticate').some((value) => /(?:^|,\s*)DPoP\b/i.test(value))
}

function valuesOf({ headers }: Answer, name: string): readonly string[] {
  return headers.filter(([field]) => field === name).map(([, value]) => value)
}

/**
 * How runtimes and frameworks write where an exception came from. Each part is bounded, and none can be read in many
 * ways: the body may be meant to hold up whoever looks at it.
 */
const stackTraces: readonly RegExp[] = [
  /\bat [^\n/\\:]{0,200}(?::\/\/|node:|\/|[A-Z]:\\)(?:\/?[A-Z]:)?[^\n:]{0,300}:\d{1,7}:\d{1,7}/,
  /Traceback \(most recent call last\)/,
  /goroutine \d{1,20} \[/,
  /^[\t ]{0,20}at [\w$.]{1,300}\([\w$]{1,100}\.(?:java|kt|scala):\d{1,7}\)/m,
  /\bat [\w.`<>]{1,300}\([^)\n]{0,300}\) in [^\n]{1,300}:line \d/,
  /\/node_modules\/|\\node_modules\\/,
]

/** Long enough that no other text is likely to have it. */
const partLengthMin = 16

function repeats({ body, headers }: Answer, token: string): boolean {
  const texts = [body, ...headers.map(([, value]) => value)]
  const parts = token.split(/[^\w-]/).filter((part) => part.length >= partLengthMin)
  return parts.some((part) => texts.some((text) => text.includes(part)))
}

const word = "[\\w!#$%&'*+.^`|~-]+"
const parameter = `${word} *= *(?:"(?:[^"\\\\]|\\\\.)*"|${word})`
const element = `(?:${word}(?: +(?:${parameter}|[\\w.~+/-]+=*))?|${parameter})`
/** RFC 9110 section 11.6.1: challenges and their parameters, in one list. */
const challenges = new RegExp(`^${word}(?: +${parameter})?(?: *, *${element})*$`)

function hasChallenge(answer: Answer): boolean {
  const values = valuesOf(answer, 'www-authenticate')
  return values.length > 0 && values.every((value) => challenges.test(value.trim()))
}
