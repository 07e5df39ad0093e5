import { readFileSync } from 'node:fs'

/** All that this service knows about who issues tokens: the issuer, its own name, its own credential. */
export interface Settings {
  /** The address to listen on. */
  readonly host: string
  readonly port: number
  readonly issuer: string
  readonly audience: string
  readonly client: { readonly id: string; readonly secret: string }
  readonly databasePath: string
  /** How old the last word from the issuer may be; undefined for the verifier's own default. */
  readonly maxStalenessSeconds: number | undefined
}

/** Reads the environment. Every variable that is missing or wrong is named in one error. */
export function readSettings(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Settings {
  const mistakes: string[] = []
  const required = (name: string): string => {
    const value = environment[name]
    if (value === undefined || value === '') mistakes.push(`${name} is not set`)
    return value ?? ''
  }
  const port = Number(required('ORDERS_PORT'))
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    mistakes.push('ORDERS_PORT is not a port number')
  }
  const staleness = environment['ORDERS_MAX_STALENESS_SECONDS']
  const maxStalenessSeconds = staleness === undefined ? undefined : Number(staleness)
  if (maxStalenessSeconds !== undefined && !(maxStalenessSeconds >= 3)) {
    mistakes.push('ORDERS_MAX_STALENESS_SECONDS is not a number of seconds, 3 or more')
  }
  // Nothing is open to a network that nobody has opened by name.
  const host = environment['ORDERS_HOST'] ?? '127.0.0.1'
  const issuer = required('ORDERS_ISSUER')
  const databasePath = required('ORDERS_DATABASE')
  const client = readClient(required('ORDERS_CLIENT_FILE'), mistakes)
  if (mistakes.length > 0) throw new Error(`the environment is wrong: ${mistakes.join('; ')}`)
  return { host, port, issuer, audience: 'orders', client, databasePath, maxStalenessSeconds }
}

/** The credential stands in a file: an environment can be read by more people than a 0600 file. */
function readClient(path: string, mistakes: string[]): Settings['client'] {
  try {
    const file: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof file === 'object' && file !== null && 'client_id' in file) {
      const secret = 'client_secret' in file ? file.client_secret : undefined
      if (typeof file.client_id === 'string' && typeof secret === 'string') {
        return { id: file.client_id, secret }
      }
    }
    mistakes.push('ORDERS_CLIENT_FILE has no client_id and client_secret')
  } catch {
    mistakes.push('ORDERS_CLIENT_FILE cannot be read as JSON')
  }
  return { id: '', secret: '' }
}
