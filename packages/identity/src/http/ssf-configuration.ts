import { deliveryMethods } from '../domain/stream-requests.ts'

/** SSF 1.0 section 7.2.1: the well-known part goes between the host and the issuer's own path. */
export function ssfConfigurationPath(issuer: string): string {
  const { pathname } = new URL(issuer)
  return `/.well-known/ssf-configuration${pathname === '/' ? '' : pathname}`
}

/** What a receiver has to know (SSF 1.0 section 7.1). It names exactly what exists. */
export function ssfConfigurationOf(issuer: string): object {
  return {
    spec_version: '1_0',
    issuer,
    jwks_uri: `${issuer}/.well-known/jwks.json`,
    delivery_methods_supported: Object.values(deliveryMethods),
    configuration_endpoint: `${issuer}/ssf/streams`,
    status_endpoint: `${issuer}/ssf/status`,
    add_subject_endpoint: `${issuer}/ssf/subjects/add`,
    remove_subject_endpoint: `${issuer}/ssf/subjects/remove`,
    verification_endpoint: `${issuer}/ssf/verify`,
    // Without the user nobody knows whose session it was.
    critical_subject_members: ['user'],
    // A token of a client, by its credentials.
    authorization_schemes: [{ spec_urn: 'urn:ietf:rfc:6749' }],
    default_subjects: 'ALL',
  }
}
