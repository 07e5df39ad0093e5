import { X509Certificate } from 'node:crypto'
import type { SecureContext } from 'node:tls'
import { createSecureContext } from 'node:tls'
import { isDeepStrictEqual } from 'node:util'
import type { Log, Mistake, Repeat, TlsFiles, TlsPair } from '@portcullis/runtime'
import { readTlsFiles, settingsError, StartError, takeSteadySteps } from '@portcullis/runtime'
import type { TlsSettings } from '../settings/settings.ts'
import { secureOptions } from './secure-options.ts'

/** The certificates of the listener, as their files have them. */
export interface Certificates {
  /** For who asks for no name, or for one that no certificate is for. */
  readonly first: () => TlsPair
  /** The one for this name (SNI); undefined for the first. */
  readonly contextFor: (name: string) => SecureContext | undefined
  /**
   * Reads what other settings name, and answers how to take it into use; throws a `StartError` where it is bad. For
   * the same settings it looks at the files at once.
   */
  readonly read: (settings: TlsSettings) => Promise<() => void>
  /** `Strict-Transport-Security` as the settings in force have it. */
  readonly hsts: () => string | undefined
  /** Looks at the files again and again, and calls when there is another one. Answers how to stop. */
  readonly follow: (then: () => void) => () => Promise<void>
  readonly warnings: () => readonly string[]
  /** When the first of them ends, in milliseconds since 1970. */
  readonly validUntilMs: () => number
}

export interface CertificatesOptions {
  readonly log: Log
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly repeat?: Repeat | undefined
}

interface Kept {
  readonly pair: TlsPair
  readonly certificate: X509Certificate
  readonly context: SecureContext
}

interface State {
  readonly settings: TlsSettings
  readonly kept: readonly [Kept, ...Kept[]]
}

const refusedMessage = 'a certificate is not taken: the one before it stays in use'

/** A few small files; a certificate is renewed weeks before it has to be. */
const everyMs = 10_000
const dayMs = 86_400_000
/** Whoever renews does it a month before; half of that has been lost then. */
const expiresSoonMs = 14 * dayMs

/**
 * Reads the certificates. Their files are followed by their content, since neither times nor a watch would notice
 * every way in which files are replaced. A new pair that cannot be read, does not belong together or is
 * not valid now leaves the one before it in use. Connections that are open keep what they have.
 *
 * Throws a `StartError` with every mistake; one that has expired is none at the start, because nobody is served
 * better by a gateway that is not there.
 */
export async function openCertificates(
  first: TlsSettings,
  { log, now, repeat }: CertificatesOptions,
): Promise<Certificates> {
  let state: State = { settings: first, kept: await readAll(first) }
  let faults: readonly Mistake[] = []
  let onChange: (() => void) | undefined
  const tellOfEnd = createEndTeller(log, now)
  const use = (next: State): void => {
    state = next
    onChange?.()
    tellOfUse(log, next)
  }
  const look = async (): Promise<object | undefined> => {
    const { settings, kept } = state
    const found = await Promise.all(settings.certificates.map((files) => readOne(files, now)))
    // Other settings have come meanwhile.
    if (state.settings !== settings) return undefined
    faults = mistakesIn(found)
    const next = renewed(kept, found)
    if (next.some((one, at) => one !== kept[at])) use({ settings, kept: next })
    tellOfEnd(next)
    return faults.length === 0 ? undefined : { mistakes: faults.map(inWords) }
  }
  tellOfUse(log, state)
  tellOfEnd(state.kept)
  return {
    first: () => state.kept[0].pair,
    contextFor: (name) => state.kept.find(({ certificate }) => isFor(certificate, name))?.context,
    read: async (settings) => {
      if (isDeepStrictEqual(settings.certificates, state.settings.certificates)) {
        const trouble = await look()
        if (trouble !== undefined) log.error(trouble, refusedMessage)
        return () => {
          state = { ...state, settings }
        }
      }
      const kept = await readAll(settings, now)
      return () => {
        faults = []
        use({ settings, kept })
      }
    },
    hsts: () => state.settings.hsts,
    follow: (then) => {
      onChange = then
      const recovery = 'the certificates are sound again'
      return takeSteadySteps({
        step: look,
        everyMs,
        trouble: refusedMessage,
        recovery,
        log,
        repeat,
      })
    },
    warnings: () => [
      ...(faults.length === 0 ? [] : ['certificate-refused']),
      ...endWarnings(state.kept, now()),
    ],
    validUntilMs: () => Math.min(...state.kept.map(({ pair }) => pair.validUntil.getTime())),
  }
}

function tellOfUse(log: Log, { kept }: State): void {
  for (const { certificate } of kept) log.info(described(certificate), 'a certificate is in use')
}

/** Tells once a day which certificates end soon. */
function createEndTeller(log: Log, now: () => number): (kept: readonly Kept[]) => void {
  let toldMs = -Infinity
  return (kept) => {
    const ending = kept.filter(({ pair }) => pair.validUntil.getTime() - now() < expiresSoonMs)
    if (ending.length === 0 || now() - toldMs < dayMs) return
    toldMs = now()
    for (const { certificate } of ending) {
      log.warn(described(certificate), 'a certificate ends soon: renew it, and replace its files')
    }
  }
}

function renewed([first, ...others]: State['kept'], found: readonly Found[]): State['kept'] {
  const next = (was: Kept, at: number): Kept => {
    const is = found[at]
    return is?.kind === 'read' && !isSame(is.pair, was.pair) ? keep(is.pair) : was
  }
  return [next(first, 0), ...others.map((was, at) => next(was, at + 1))]
}

function endWarnings(kept: readonly Kept[], nowMs: number): readonly string[] {
  const left = Math.min(...kept.map(({ pair }) => pair.validUntil.getTime())) - nowMs
  if (left <= 0) return ['certificate-expired']
  return left < expiresSoonMs ? ['certificate-expires-soon'] : []
}

type Found =
  | { readonly kind: 'read'; readonly pair: TlsPair }
  | { readonly kind: 'bad'; readonly message: string; readonly remedy: string }

/** `now`: where one that is not valid at this time is bad too. */
async function readOne(files: TlsFiles, now?: () => number): Promise<Found> {
  try {
    const pair = await readTlsFiles(files)
    const fault = now === undefined ? undefined : validityFault(pair, now())
    if (fault === undefined) return { kind: 'read', pair }
    const message = `the certificate in ${files.certificateFile} ${fault}`
    return { kind: 'bad', message, remedy: 'Renew it.' }
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    return { kind: 'bad', message: error.message, remedy: error.remedy }
  }
}

function validityFault({ cert, validUntil }: TlsPair, nowMs: number): string | undefined {
  if (validUntil.getTime() <= nowMs) return `has expired at ${validUntil.toISOString()}`
  const { validFromDate } = new X509Certificate(cert)
  const isEarly = validFromDate.getTime() > nowMs
  return isEarly ? `is not valid before ${validFromDate.toISOString()}` : undefined
}

function mistakesIn(found: readonly Found[]): readonly (Mistake & { readonly remedy: string })[] {
  return found.flatMap((one, at) => (one.kind === 'bad' ? [{ path: pointerOf(at), ...one }] : []))
}

async function readAll({ certificates }: TlsSettings, now?: () => number): Promise<State['kept']> {
  const found = await Promise.all(certificates.map((files) => readOne(files, now)))
  const bad = mistakesIn(found)
  if (bad.length > 0) {
    throw settingsError(
      'the gateway file',
      bad,
      [...new Set(bad.map(({ remedy }) => remedy))].join('\n'),
    )
  }
  const [first, ...others] = found.flatMap((one) => (one.kind === 'read' ? [keep(one.pair)] : []))
  if (first === undefined) throw new TypeError('TLS without a certificate was let through')
  return [first, ...others]
}

function keep(pair: TlsPair): Kept {
  const context = createSecureContext(secureOptions(pair))
  return { pair, certificate: new X509Certificate(pair.cert), context }
}

function isSame(one: TlsPair, other: TlsPair): boolean {
  return one.cert.equals(other.cert) && one.key.equals(other.key)
}

function isFor(certificate: X509Certificate, name: string): boolean {
  // RFC 6125 section 6.4.4: the subject is no place for a name any more.
  return certificate.checkHost(name, { subject: 'never' }) !== undefined
}

/** Where the file names them. */
function pointerOf(at: number): string {
  return at === 0 ? '/listen/tls' : `/listen/tls/further/${at - 1}`
}

function inWords({ path, message }: Mistake): string {
  return `${path} ${message}`
}

function described({ subjectAltName, validToDate, fingerprint256 }: X509Certificate): object {
  return { names: subjectAltName, validUntil: validToDate, fingerprint256 }
}
