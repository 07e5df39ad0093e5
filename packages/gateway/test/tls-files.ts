import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Certificates of these tests; none protects anything. `localhost` (for the name localhost) is signed by itself. The
 * others are signed by `authority`: `service` and `expired` for localhost, `shop` for shop.example and *.shop.example.
 */
export type PairName = 'localhost' | 'service' | 'expired' | 'shop'

const folder = join(import.meta.dirname, 'tls')

export function certificateOf(name: PairName | 'authority' | 'other-authority'): string {
  return readFileSync(join(folder, `${name}-certificate.pem`), 'utf8')
}

export function keyOf(name: PairName): string {
  return readFileSync(join(folder, `${name}-key.pem`), 'utf8')
}

/** Members of a settings file. */
export interface PairPaths {
  readonly cert: string
  readonly key: string
}

export function pathsOf(name: PairName): PairPaths {
  return { cert: join(folder, `${name}-certificate.pem`), key: join(folder, `${name}-key.pem`) }
}

/** Two files whose content a test exchanges. */
export function pairIn(
  where: string,
  name: PairName,
): PairPaths & { put: (next: PairName) => void } {
  const paths = { cert: join(where, 'cert.pem'), key: join(where, 'key.pem') }
  const put = (next: PairName): void => {
    copyFileSync(pathsOf(next).cert, paths.cert)
    copyFileSync(pathsOf(next).key, paths.key)
  }
  put(name)
  return { ...paths, put }
}
