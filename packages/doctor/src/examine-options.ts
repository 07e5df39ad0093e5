import type { AlgorithmName } from '@portcullis/protocol/jws'
import type { IssuerAddresses, IssuerClient } from './tokens/own-issuer.ts'

export interface ExamineOptions {
  /** The protected address; nothing else is attacked. */
  readonly url: string
  /** Default GET. A method that writes is sent only when it is named here. */
  readonly method?: string
  readonly body?: { readonly text: string; readonly contentType: string }
  /** Statuses beside 2xx with which the service answers a valid token, such as 404. */
  readonly acceptedStatuses?: readonly number[]
  /** Default 2000. */
  readonly requestsMax?: number
  /** Default 50. */
  readonly requestsPerSecond?: number
  /** How long an answer may take. Default 5000. */
  readonly answerMsMax?: number
  /** An issuer of the doctor's own signs; or else `given`. */
  readonly issuer?: OwnIssuerSettings
  /** The operator's own issuer has signed. */
  readonly given?: GivenTokens
  /** How long a token that was taken back may be accepted. Default 40. */
  readonly revocationSeconds?: number
  /** What will be done; called once, before anything is sent. */
  readonly onPlan?: (plan: Plan) => void
  readonly onProgress?: (done: number, all: number) => void
}

export interface Plan {
  readonly url: string
  readonly method: string
  readonly requestsMax: number
  readonly requestsPerSecond: number
}

/** An issuer is started that the service must trust for this time. */
export interface OwnIssuerSettings {
  /** Of the service. */
  readonly audience: string
  /** Default RS256. */
  readonly algorithm?: AlgorithmName
  /** What tokens of this service hold beside, or in the place of, the usual claims. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Default 127.0.0.1. */
  readonly host?: string
  /** Default 0: any free one. */
  readonly port?: number
  /** As the service reaches the issuer, where that is not `http://localhost:PORT`. */
  readonly issuerUrl?: string
  /** How long to wait until the service trusts it. Default 300. */
  readonly waitSeconds?: number
  /** Demands that a token that is taken back is refused, also where the service does not follow the feed. */
  readonly expectRevocation?: boolean
  /** What the service must be told; called once, before anything is sent to it. */
  readonly onTrust?: (trust: Trust) => void
  /** Why a valid token does not pass yet, whenever that changes while it waits: `it answers 401`, `it does not answer (unreachable)`. */
  readonly onWait?: (why: string) => void
}

export interface Trust extends IssuerAddresses {
  readonly issuer: string
  readonly audience: string
  readonly algorithm: AlgorithmName
  /** For a service that follows the revocation feed; on loopback it needs none. */
  readonly client: IssuerClient
}

/** Tokens of the operator's own issuer; of those only what anybody can make of them is made. */
export interface GivenTokens {
  /** Valid for the service, for as long as it is examined. */
  readonly token: string
  /** The key set (JWK Set) of its issuer: without it nothing is forged that needs the public key. */
  readonly keySet?: unknown
  readonly expired?: string
  readonly revoked?: string
  readonly otherAudience?: string
  /** Takes `token` back at its issuer, at the end. */
  readonly takeBack?: () => Promise<void>
  /** Where outbound requests are noticed. Default 127.0.0.1. */
  readonly host?: string
}
