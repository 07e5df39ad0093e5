import type { Severity } from '@portcullis/doctor'

/** What `portcullis doctor` is called with; numbers and choices are checked by then. */
export interface DoctorCommandOptions extends IssuerChoices, TokenChoices {
  readonly method: string
  readonly bodyFile?: string
  readonly contentType: string
  readonly acceptedStatus?: string
  readonly requestsMax?: number
  readonly requestsPerSecond?: number
  readonly answerSeconds?: number
  readonly revocationSeconds?: number
  readonly auditIssuer?: string
  readonly jwksUrl?: string
  readonly keyAgeDays?: number
  readonly failAt: Severity
  readonly json?: true
}

/** Of an issuer that is started. */
export interface IssuerChoices {
  readonly audience?: string
  readonly algorithm?: 'RS256' | 'PS256' | 'ES256' | 'EdDSA'
  readonly claims?: string
  readonly listen: string
  readonly issuerUrl?: string
  readonly waitSeconds?: number
  readonly expectRevocation?: true
}

/** Of tokens that the operator has. */
export interface TokenChoices {
  readonly tokenFile?: string
  readonly issuer?: string
  readonly expiredTokenFile?: string
  readonly revokedTokenFile?: string
  readonly otherAudienceTokenFile?: string
  readonly takeBack?: true
  readonly clientId?: string
  readonly credentials?: string
}
