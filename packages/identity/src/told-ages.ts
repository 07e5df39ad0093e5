import type { Metrics, TlsPair } from '@portcullis/runtime'
import type { Keyring } from './domain/keyring.ts'

/*
 * What gets old without anybody noticing, for Prometheus.
 */

export function tellOfKeys(keyring: Pick<Keyring, 'activeKeys'>, { gauges }: Metrics): void {
  gauges(
    {
      name: 'portcullis_signing_key_activation_timestamp_seconds',
      help: 'When the key began to sign that signs now, by the clock of the store.',
      labels: ['purpose', 'algorithm'],
    },
    () =>
      keyring.activeKeys().map(({ purpose, algorithm, activatedAt, createdAt }) => ({
        labels: { purpose, algorithm },
        value: (activatedAt ?? createdAt) / 1000,
      })),
  )
}

/** `certificate`: the one that is in use; undefined without TLS. */
export function tellOfCertificate(
  certificate: () => Pick<TlsPair, 'validUntil'> | undefined,
  { gauge }: Metrics,
): void {
  gauge(
    {
      name: 'portcullis_identity_certificate_end_timestamp_seconds',
      help: 'When the certificate of the listener ends, in seconds since 1970.',
      labels: [],
    },
    () => {
      const inUse = certificate()
      return inUse && inUse.validUntil.getTime() / 1000
    },
  )
}
