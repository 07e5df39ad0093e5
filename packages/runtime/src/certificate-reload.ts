import type { Log } from './log.ts'
import type { Repeat } from './steady-step.ts'
import { takeSteadySteps } from './steady-step.ts'
import type { TlsPair } from './tls-files.ts'

export interface CertificateReload {
  /** What the listener has at first. */
  readonly inUse: TlsPair
  /** Throws while the files are bad, or do not belong together because one of them came first. */
  readonly read: () => Promise<TlsPair>
  readonly use: (pair: TlsPair) => void
  readonly log: Log
  readonly repeat?: Repeat
}

/** Two small files; a certificate is renewed weeks before it has to be. */
const everyMs = 10_000

/**
 * Takes a certificate into use when its files have changed, until the returned function has been called. It
 * compares what is in them: neither their times nor a watch would notice every way in which files are replaced.
 */
export function startCertificateReload(options: CertificateReload): () => Promise<void> {
  const { read, use, log, repeat } = options
  let { inUse } = options
  return takeSteadySteps({
    step: async () => {
      const pair = await read()
      if (pair.cert.equals(inUse.cert) && pair.key.equals(inUse.key)) return undefined
      use(pair)
      inUse = pair
      log.info({ validUntil: pair.validUntil }, 'the certificate has changed')
      return undefined
    },
    everyMs,
    trouble: 'the certificate cannot be read again; the one from before stays in use',
    recovery: 'the certificate can be read again',
    log,
    repeat,
  })
}
