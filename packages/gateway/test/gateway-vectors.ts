import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import type { TestIssuer, TokenRecipe } from '@portcullis/verify/testing'

/** The corpus of attacks on a gateway, `vectors/gateway-attacks.json`; `vectors/README.md` describes it. */
export interface GatewayCorpus {
  /** Members of the file of the gateway that is attacked; `<service>` stands for a service that records. */
  readonly gateway: Readonly<Record<string, unknown>>
  readonly attacks: readonly GatewayAttack[]
  readonly behaviours: readonly GatewayBehaviour[]
}

export interface GatewayAttack {
  readonly id: string
  /** What the attacker does. */
  readonly does: string
  readonly why: string
  readonly source: string
  /** What `{{token:NAME}}` is. */
  readonly tokens?: Readonly<Record<string, TokenRecipe>>
  /** As octets, one character each. */
  readonly request: string
  readonly expected: {
    /** Of each answer, in order. */
    readonly statuses: readonly number[]
    /** Of the problem document of the last one. */
    readonly code?: string
    /** The last one says that its connection ends. */
    readonly closes?: boolean
    readonly answerHas?: readonly string[]
    readonly answerLacks?: readonly string[]
    /** The service may get a beginning of it, and never the end. */
    readonly partly?: boolean
    readonly logLacks?: readonly string[]
    /** Each request that reaches the service; default none. */
    readonly service?: readonly ServiceGets[]
  }
  /** The same without the attack. */
  readonly twin: {
    readonly request: string
    /** Default 200. */
    readonly statuses?: readonly number[]
    readonly service: readonly ServiceGets[]
  }
}

export interface ServiceGets {
  readonly method?: string
  readonly target: string
  readonly body?: string
  /** `Name: value`: there is one header of that name, or as many as are here, with that value. */
  readonly has?: readonly string[]
  /** No header has this name, in any case, and none a value with this in it. */
  readonly lacks?: readonly string[]
  /** Nothing that comes over the wire has this in it. */
  readonly wireLacks?: readonly string[]
}

/** What takes more than octets: it is tried by these tests. */
export interface GatewayBehaviour {
  /** `G28`. */
  readonly threat: string
  readonly does: string
  readonly tests: readonly NamedTest[]
}

export interface NamedTest {
  readonly file: string
  readonly title: string
}

/** What another gateway was caught with, in our own words, and what would notice the same here. */
export interface GatewayAdvisory {
  readonly ids: readonly string[]
  readonly fault: string
  /** Ids of attacks. */
  readonly attacks?: readonly string[]
  readonly tests?: readonly NamedTest[]
  /** Why it does not concern this gateway. */
  readonly notApplicable?: string
}

const root = new URL('../../../', import.meta.url)

export const gatewayCorpus: GatewayCorpus = readVectors('gateway-attacks.json') as GatewayCorpus
export const gatewayAdvisories: readonly GatewayAdvisory[] = readVectors(
  'gateway-advisories.json',
) as readonly GatewayAdvisory[]

function readVectors(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`vectors/${name}`, root), 'utf8'))
}

/** Fills the texts of one attack, each token the same wherever it stands. */
export function textFiller(
  issuer: Pick<TestIssuer, 'forge'>,
  recipes: GatewayAttack['tokens'] = {},
): (text: string) => string {
  const all = new Map(Object.entries({ ...commonTokens, ...named(recipes) }))
  const tokens = new Map<string, string>()
  const tokenOf = (name: string): string => {
    const recipe = all.get(name)
    if (recipe === undefined) throw new TypeError(`the corpus has nothing named {{${name}}}`)
    const token = tokens.get(name) ?? issuer.forge(recipe)
    tokens.set(name, token)
    return token
  }
  return (text) =>
    text.replaceAll(/\{\{(?:repeat:(.*?):(\d+)|(.*?))\}\}/gs, (_whole, repeated, count, name) =>
      typeof repeated === 'string' ? repeated.repeat(Number(count)) : tokenOf(String(name)),
    )
}

/** In every attack. */
const commonTokens: Readonly<Record<string, TokenRecipe>> = {
  token: {},
  forged: { signature: 'stranger' },
  expired: { payload: { set: { iat: { fromNow: -1000 }, exp: { fromNow: -100 } } } },
  foreign: { payload: { set: { aud: 'other' } } },
}

function named(recipes: Readonly<Record<string, TokenRecipe>>): typeof recipes {
  return Object.fromEntries(
    Object.entries(recipes).map(([name, recipe]) => [`token:${name}`, recipe]),
  )
}

/** The tests that are named exist, under this title, in this file. */
export function assertTestsExist(tests: readonly NamedTest[], what: string): void {
  assert.ok(tests.length > 0, `${what}: no test is named`)
  for (const { file, title } of tests) {
    const text = readFileSync(new URL(file, root), 'utf8')
    const isThere = ["'", '"', '`'].some((quote) =>
      [`test(${quote}${title}${quote}`, `${quote}${title}${quote},`].some((form) =>
        text.includes(form),
      ),
    )
    assert.ok(isThere, `${what}: ${file} has no test "${title}"`)
  }
}
