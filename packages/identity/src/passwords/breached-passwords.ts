import { createHash } from 'node:crypto'
import type { Log } from '@portcullis/runtime'
import { systemErrorCode } from '@portcullis/runtime'
import type { IsBreached } from '../domain/password-rules.ts'

export interface BreachedPasswordsOptions {
  readonly log: Pick<Log, 'warn'>
  /** Of a service with the range API of Have I Been Pwned. */
  readonly baseUrl: string
  /** How long the choice of a password waits for it. */
  readonly timeoutMs: number
  readonly fetch?: typeof globalThis.fetch
}

/** Five times what a padded answer has: 1,000 lines of at most 46 characters. */
const answerBytesMax = 256 * 1024
const prefixCharacters = 5

/**
 * Asks a service whether a password was seen in breaches (ASVS 6.2.12) by k-anonymity: what leaves is the
 * first 20 bits of its SHA-1 and nothing of the account, and the answer is padded, so that its size tells
 * nothing either. When the service fails the password is taken, and a warning logged, without those bits.
 */
export function createBreachedPasswords({
  log,
  baseUrl,
  timeoutMs,
  fetch = globalThis.fetch,
}: BreachedPasswordsOptions): IsBreached {
  const base = baseUrl.replace(/\/+$/, '')
  return async (password) => {
    const digest = createHash('sha1').update(password).digest('hex').toUpperCase()
    const url = `${base}/range/${digest.slice(0, prefixCharacters)}`
    try {
      const response = await fetch(url, {
        // Without a name of its caller the service answers 403.
        headers: { 'add-padding': 'true', 'user-agent': 'portcullis' },
        redirect: 'error',
        signal: AbortSignal.timeout(timeoutMs),
      })
      if (response.status !== 200) return unknown(log, `status ${response.status}`)
      const text = await readAtMost(response, answerBytesMax)
      return text === undefined ? unknown(log, 'answer too long') : isListed(text, digest)
    } catch (error) {
      return unknown(log, reasonOf(error))
    }
  }
}

/** The suffixes of all known hashes with this prefix. Those that are padding have the count 0. */
function isListed(text: string, digest: string): boolean {
  const suffix = `${digest.slice(prefixCharacters)}:`
  const line = text.split(/\r?\n/).find((candidate) => candidate.toUpperCase().startsWith(suffix))
  return line !== undefined && Number(line.slice(suffix.length)) > 0
}

async function readAtMost(response: Response, bytesMax: number): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    // Leaving the loop cancels the rest of the answer.
    if (bytes > bytesMax) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('latin1')
}

function unknown(log: Pick<Log, 'warn'>, detail: string): 'unknown' {
  log.warn({ detail }, 'a new password could not be looked up in breaches, and was taken')
  return 'unknown'
}

/** Never the message: it may hold the URL, and with it the prefix. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  return systemErrorCode(error.cause) ?? systemErrorCode(error) ?? error.name
}
