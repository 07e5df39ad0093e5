import type { Mutant } from '../simulation/mutants.ts'
import type { Outcome } from './campaign.ts'
import { runCampaign } from './campaign.ts'

const gateway = 'gateway/src'

/** Rules of the gateway that are broken on purpose, by other words in one file. */
export const mutants: readonly Mutant[] = [
  {
    rule: 'a dot segment is refused and not folded',
    file: `${gateway}/request/target.ts`,
    changes: [
      [
        "  const queryAt = target.indexOf('?')\n",
        "  target = target.replace(/\\/[^/?]+\\/\\.\\.(?=\\/|$)/, '')\n  const queryAt = target.indexOf('?')\n",
      ],
    ],
  },
  {
    rule: 'an escape of what needs none is refused',
    file: `${gateway}/request/target.ts`,
    changes: [['if (/[\\w\\-.~]/.test(character))', "if (character === '')"]],
  },
  {
    rule: 'a delimiter that is escaped is refused',
    file: `${gateway}/request/target.ts`,
    changes: [['if (isHazardous.test(character))', "if (character === '')"]],
  },
  {
    rule: 'what is forwarded is what came, and not decoded',
    file: `${gateway}/routing/match.ts`,
    changes: [
      [
        'if (rewrite === undefined) return target\n',
        "if (rewrite === undefined) return target.replace('%20', '+')\n",
      ],
    ],
  },
  {
    rule: 'a prefix ends at a slash',
    file: `${gateway}/routing/match.ts`,
    changes: [
      [
        "(path.length === match.path.length || path[match.path.length] === '/')",
        'path.length >= match.path.length',
      ],
    ],
  },
  {
    rule: 'after a rewrite the rest is as it came',
    file: `${gateway}/routing/match.ts`,
    changes: [
      [
        'const rest = target.slice(match.path.length)',
        'const rest = decodeURI(target.slice(match.path.length))',
      ],
    ],
  },
  {
    rule: 'a host has its own routes in whatever case',
    file: `${gateway}/routing/host.ts`,
    changes: [['const lowered = text.toLowerCase()', 'const lowered = text']],
  },
  {
    rule: 'the host of a request is one',
    file: `${gateway}/request/frame.ts`,
    changes: [['said.host.length > 1 || ', '']],
  },
  {
    rule: 'two tokens are refused on every route',
    file: `${gateway}/admission/judge.ts`,
    changes: [['if (authorizations.length < 2)', 'if (authorizations.length < 3)']],
  },
  {
    rule: 'nothing is obeyed behind an answer that ends the connection',
    file: `${gateway}/serve.ts`,
    changes: [['if (!exchange.request.socket.writable) return', '']],
  },
  {
    rule: 'a CONNECT is not answered in the place of another request',
    file: `${gateway}/server.ts`,
    changes: [['if (answers.isAnyOn(socket)) socket.destroy()\n    else ', '']],
  },
  {
    rule: 'a request that was answered before it broke has one answer',
    file: `${gateway}/exchange/open-answers.ts`,
    changes: [['answeredEarly.get(socket)?.complete === false ||', '']],
  },
  {
    rule: 'close counts beside keep-alive',
    file: `${gateway}/server.ts`,
    changes: [[' || isOldAndLast(request)', '']],
  },
  {
    rule: 'no alias of a header that is wiped gets through',
    file: `${gateway}/headers/names.ts`,
    changes: [['.replaceAll(/[^a-z0-9]/g', '.replaceAll(/[^a-z0-9_]/g']],
  },
  {
    rule: 'no header of the client is lost',
    file: `${gateway}/headers/end-to-end.ts`,
    changes: [
      ["way === 'goes-on' && !nominated", "way === 'goes-on' && value !== '' && !nominated"],
    ],
  },
  {
    rule: 'headers that are repeated stay apart',
    file: `${gateway}/headers/end-to-end.ts`,
    changes: [
      [
        "if (way === 'goes-on' && !nominated.has(name)) headers.push(spelling, value)",
        "if (way === 'goes-on' && !nominated.has(name)) { const at = headers.indexOf(spelling); if (at === -1) headers.push(spelling, value); else headers[at + 1] += `, ${value}` }",
      ],
    ],
  },
  {
    rule: 'a trace that is there twice goes nowhere',
    file: `${gateway}/headers/trace-fields.ts`,
    changes: [['others.length > 0 ? undefined', 'others.length > 1 ? undefined']],
  },
  {
    rule: 'Connection removes no token',
    file: `${gateway}/headers/end-to-end.ts`,
    changes: [['names.filter((each) => !isProtected(each))', 'names']],
  },
  {
    rule: 'the parser is at its strictest, and reads no length beside a coding',
    file: `${gateway}/server.ts`,
    changes: [['insecureHTTPParser: false', 'insecureHTTPParser: true']],
  },
  {
    rule: 'the only coding is chunked',
    file: `${gateway}/request/frame.ts`,
    changes: [
      [
        "codings.length === 1 && codings[0]?.toLowerCase() === 'chunked'",
        "codings[0]?.toLowerCase().includes('chunked') === true",
      ],
    ],
  },
  {
    rule: 'an answer belongs to its request',
    file: `${gateway}/forward.ts`,
    changes: [
      [
        'if (!response.write(chunk))',
        'const kept: Buffer = Reflect.get(globalThis, "kept") ?? chunk; Reflect.set(globalThis, "kept", chunk); if (!response.write(kept.length === chunk.length ? kept : chunk))',
      ],
    ],
  },
  {
    rule: 'a body is forwarded whole',
    file: `${gateway}/forward.ts`,
    changes: [
      ['else done(null, chunk)', 'else done(null, bytes > 1000 ? chunk.fill(0x20, 0, 1) : chunk)'],
    ],
  },
  {
    rule: 'a request is sent once',
    file: `${gateway}/upstream/second-try.ts`,
    changes: [
      [
        '  tryAt(first, false)\n',
        '  tryAt(first, false)\n  const nothing = (): void => undefined\n  if (mayRepeat && request.path.length % 9 === 0) first.dispatch(request, { onRequestStart: nothing, onResponseStart: nothing, onResponseData: nothing, onResponseEnd: nothing, onResponseError: nothing })\n',
      ],
    ],
  },
  {
    rule: 'a route asks for its roles and scopes',
    file: `${gateway}/admission/judge.ts`,
    changes: [['for (const requirement of requirements) requirement(verified)', '']],
  },
  {
    rule: 'on an optional route what is no token is not overlooked',
    file: `${gateway}/admission/judge.ts`,
    changes: [
      [
        "auth.mode === 'optional' && authorizations.length === 0",
        "auth.mode === 'optional' && authorizations[0]?.toLowerCase().startsWith('bearer ') !== true",
      ],
    ],
  },
]

export interface MutantRun {
  readonly seed: number
  /** How many requests each may live through. */
  readonly requests: number
  /** Only those whose rule has these words. */
  readonly words: string
  readonly tell: (line: string) => void
}

/** Breaks each rule in a gateway of its own, and answers those that no request has noticed. */
export async function runMutants({
  seed,
  requests,
  words,
  tell,
}: MutantRun): Promise<readonly string[]> {
  const chosen = mutants.filter(({ rule }) => rule.includes(words))
  if (chosen.length === 0) throw new TypeError(`no rule has the words ${words}`)
  const survivors: string[] = []
  for (const mutant of chosen) {
    const outcome = await runCampaign({ seed, requests, mutant })
    const why = whyOf(outcome)
    if (why === undefined) survivors.push(mutant.rule)
    tell(`${mutant.rule}\n  broken, after ${outcome.requests} requests ${why ?? 'NOT NOTICED'}`)
  }
  return survivors
}

function whyOf({ failure }: Outcome): string | undefined {
  return failure && `noticed: ${failure.why.split('\n')[0]?.slice(0, 150)}`
}
