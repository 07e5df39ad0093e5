import { readFileSync } from 'node:fs'

/** Whose tokens a peer takes. Their key is at hand: none of them has to fetch it. */
export interface ProxyTrust {
  /** SPKI, PEM. */
  readonly key: string
  readonly issuer: string
  readonly audience: string
}

/** It is in a file, because a peer is a process of its own. */
export function readTrust(path: string): ProxyTrust {
  return JSON.parse(readFileSync(path, 'utf8')) as ProxyTrust
}

export function bearerOf(authorization: string | undefined): string {
  return authorization?.startsWith('Bearer ') === true ? authorization.slice(7) : ''
}
