import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { serviceProblems } from '@portcullis/protocol'
import { problems } from '@portcullis/runtime'
import { proofFaultDescriptions } from '../packages/verify/src/dpop/proof-fault.ts'
import { root } from './source-tree.ts'

/** What a request may be refused for. */
export interface RefusalCode {
  readonly code: string
  /** `problem`: the `code` of a problem document, and the reason where there is no finer one. */
  readonly kinds: readonly ('problem' | 'token' | 'proof' | 'OAuth' | 'gateway')[]
  /** Of a problem, as it is sent. */
  readonly title: string | undefined
  readonly status: number | undefined
}

const isOfReadyOnly: ReadonlySet<string> = new Set(['client-refused', 'issuer-unreachable'])

/** From the tables and types that the compiler holds every reason against. */
export function readRefusalCodes(): readonly RefusalCode[] {
  const kindsOf = {
    problem: Object.keys(problems),
    token: membersOf('packages/verify/src/refusals.ts', 'descriptions'),
    proof: Object.keys(proofFaultDescriptions),
    OAuth: literalsOf('packages/identity/src/http/oauth-error-code.ts', 'OAuthError'),
    gateway: literalsOf('packages/gateway/src/exchange/refusal-reason.ts', 'GatewayReason'),
  }
  const kinds = ['problem', 'token', 'proof', 'OAuth', 'gateway'] as const
  const titles: ReadonlyMap<string, readonly [number, string]> = new Map(Object.entries(problems))
  const codes = new Set(kinds.flatMap((kind) => kindsOf[kind]))
  return [...codes].map((code) => {
    const [status, title] = titles.get(code) ?? []
    return { code, kinds: kinds.filter((kind) => kindsOf[kind].includes(code)), status, title }
  })
}

/** What `VerifyError` calls itself: the problems of services, and what only `ready()` says. */
export function verifyErrorCodes(): readonly string[] {
  return [...Object.keys(serviceProblems), ...isOfReadyOnly]
}

/** The texts of a union of texts. */
export function literalsOf(path: string, type: string): readonly string[] {
  const [, union = ''] =
    new RegExp(`^(?:export )?type ${type} =\\n((?:  .*\\n)+)`, 'm').exec(textOf(path)) ?? []
  return Array.from(union.matchAll(/^ +\| '([^']+)'$/gm), ([, text = '']) => text)
}

/** The names in a table of texts. */
function membersOf(path: string, table: string): readonly string[] {
  const [, members = ''] =
    new RegExp(`^(?:export )?const ${table}: .* = \\{\\n((?:  .*\\n)+)\\}`, 'm').exec(
      textOf(path),
    ) ?? []
  return Array.from(
    members.matchAll(/^ {2}(?:'([^']+)'|(\w+)):/gm),
    ([, quoted, bare]) => quoted ?? bare ?? '',
  )
}

function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}
