import type { Server } from 'node:http'
import { Server as TlsServer } from 'node:https'
import type { SecureListener } from '../server.ts'
import type { Certificates } from './certificates.ts'
import { secureOptions } from './secure-options.ts'

/** How a listener speaks TLS with these certificates. The name that a client asks for chooses one, and nothing else. */
export function secureListenerOf({ first, contextFor, hsts }: Certificates): SecureListener {
  return {
    options: {
      ...secureOptions(first()),
      SNICallback: (name, done) => done(null, contextFor(name)),
    },
    hsts,
    hasHttp2: true,
  }
}

/** Has new connections get the certificates of the moment; those that are open keep what they have. */
export function followCertificates(
  server: Server,
  certificates: Certificates,
): () => Promise<void> {
  return certificates.follow(() => {
    if (server instanceof TlsServer) server.setSecureContext(secureOptions(certificates.first()))
  })
}
