import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Log, Repeat } from '@portcullis/runtime'
import { settingsError, systemErrorCode, takeSteadySteps } from '@portcullis/runtime'

/** The authorities that sign the certificates of services, as their file has them. */
export interface Authorities {
  /** PEM; undefined for those that Node trusts. */
  readonly pem: () => string | undefined
  /**
   * Reads another file, or the same at once, and answers how to take it into use; throws a `StartError` where another
   * is bad.
   */
  readonly read: (file: string | undefined) => Promise<() => void>
  /** Looks at the file again and again, and calls when others are trusted. Answers how to stop. */
  readonly follow: (then: () => void) => () => Promise<void>
  readonly warnings: () => readonly string[]
}

export interface AuthoritiesOptions {
  readonly log: Log
  readonly repeat?: Repeat | undefined
}

const everyMs = 10_000
const refusedMessage = 'the authorities for services are not taken: those before them stay trusted'

/** Throws a `StartError` for a file that is bad. Later a bad one leaves those before it in use. */
export async function openAuthorities(
  first: string | undefined,
  { log, repeat }: AuthoritiesOptions,
): Promise<Authorities> {
  let file = first
  let pem = await readOrThrow(first)
  let isRefused = false
  let onChange: (() => void) | undefined
  const use = (next: string | undefined): void => {
    if (next === pem) return
    pem = next
    log.info({ file }, 'other authorities are trusted for services')
    onChange?.()
  }
  const look = async (): Promise<object | undefined> => {
    const looked = file
    const found = await readPem(looked)
    // Another file is named meanwhile.
    if (file !== looked) return undefined
    isRefused = found.kind === 'bad'
    if (found.kind === 'bad') return { mistakes: [`${pointer} ${found.message}`] }
    use(found.pem)
    return undefined
  }
  return {
    pem: () => pem,
    read: async (next) => {
      if (next === file) {
        const trouble = await look()
        if (trouble !== undefined) log.error(trouble, refusedMessage)
        return () => undefined
      }
      const found = await readOrThrow(next)
      return () => {
        file = next
        isRefused = false
        use(found)
      }
    },
    follow: (then) => {
      onChange = then
      const recovery = 'the authorities for services are sound again'
      return takeSteadySteps({
        step: look,
        everyMs,
        trouble: refusedMessage,
        recovery,
        log,
        repeat,
      })
    },
    warnings: () => (isRefused ? ['upstream-authorities-refused'] : []),
  }
}

const pointer = '/upstreamTls/ca'

type Found =
  | { readonly kind: 'read'; readonly pem: string | undefined }
  | { readonly kind: 'bad'; readonly message: string }

async function readOrThrow(file: string | undefined): Promise<string | undefined> {
  const found = await readPem(file)
  if (found.kind === 'read') return found.pem
  const { message } = found
  throw settingsError(
    'the gateway file',
    [{ path: pointer, message }],
    'Put the certificates of the authorities, in PEM, into this file.',
  )
}

async function readPem(file: string | undefined): Promise<Found> {
  if (file === undefined) return { kind: 'read', pem: undefined }
  try {
    const pem = await readFile(file, 'utf8')
    return areCertificates(pem)
      ? { kind: 'read', pem }
      : { kind: 'bad', message: `the file ${file} holds no certificates in PEM, or half of one` }
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === undefined) throw error
    return { kind: 'bad', message: `the file ${file} cannot be read (${code})` }
  }
}

/** A bundle whose last one is half written would trust less than it says, and Node would not mind. */
function areCertificates(pem: string): boolean {
  const begun = pem.split('-----BEGIN ').length - 1
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  return blocks.length > 0 && blocks.length === begun && blocks.every(isCertificate)
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false
  }
}
