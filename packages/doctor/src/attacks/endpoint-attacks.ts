import { Buffer } from 'node:buffer'
import type { Target } from '../endpoint/target.ts'
import type { Attack, AttackRequest } from './attack.ts'
import type { WeaknessId } from './weaknesses.ts'
import { weaknessNamed } from './weaknesses.ts'

/** One entry of `vectors/endpoint-attacks.json`: a way around the check of the token, or to bring one along. */
export interface EndpointVector {
  readonly id: string
  readonly does: string
  readonly why: string
  readonly source: string
  readonly weakness: WeaknessId
  readonly request: {
    readonly method?: string
    /** In texts: `<token>`, a valid one, and `<claims>`, what stands in it. */
    readonly headers?: readonly (readonly [string, string])[]
    /** Added to that of the target. */
    readonly query?: string
    /** The request target: `<path>`, `<upperpath>`, `<encodedpath>`, `<url>`, each with the query of the target. */
    readonly target?: string
  }
}

/** Every entry as a request to this target; `plain` has the valid token. */
export function createEndpointAttacks(
  vectors: readonly EndpointVector[],
  target: Target,
  plain: () => AttackRequest,
): readonly Attack[] {
  return vectors.map(({ id, does, source, weakness, request }) => ({
    id,
    forges: does,
    references: source.split(', '),
    weakness,
    severity: weaknessNamed(weakness).severity,
    request: () => requestOf(request, target, plain().token ?? ''),
    twin: plain,
    twinName: 'plain',
    // Another page, such as a start page for every unknown path, is no way around anything.
    mustBeAlike: weakness === 'route-bypass' && request.method === undefined,
  }))
}

function requestOf(
  { method, headers = [], query, target: form }: EndpointVector['request'],
  target: Target,
  token: string,
): AttackRequest {
  const facts: readonly (readonly [string, string])[] = [
    ['<token>', token],
    ['<claims>', token.split('.')[1] ?? ''],
  ]
  const fill = (text: string): string =>
    facts.reduce((filled, [name, value]) => filled.replaceAll(name, () => value), text)
  return {
    token,
    headers: headers.map(([name, value]) => [name, fill(value)] as const),
    ...(method !== undefined && { method }),
    ...(form !== undefined && { path: targetOf(form, target) }),
    ...(query !== undefined && { path: withQuery(target.path, fill(query)) }),
  }
}

function targetOf(form: string, { path, url }: Target): string {
  const [pathname = '', ...queries] = path.split('?')
  const query = queries.length === 0 ? '' : `?${queries.join('?')}`
  if (form === '<url>') return url
  const spelled = form
    .replaceAll('<path>', () => pathname)
    .replaceAll('<upperpath>', () => pathname.toUpperCase())
    .replaceAll('<encodedpath>', () => withLastEncoded(pathname))
  return `${spelled}${query}`
}

function withLastEncoded(pathname: string): string {
  const octet = Buffer.from(pathname.slice(-1)).toString('hex').toUpperCase()
  return `${pathname.slice(0, -1)}%${octet}`
}

function withQuery(path: string, query: string): string {
  return `${path}${path.includes('?') ? '&' : '?'}${query}`
}
