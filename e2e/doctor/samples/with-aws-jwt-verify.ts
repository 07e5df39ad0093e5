import { JwtVerifier } from 'aws-jwt-verify'
import { SimpleJwksCache } from 'aws-jwt-verify/jwk'
import type { Sample } from './sample.ts'
import { serviceFor } from './sample.ts'

interface Choices {
  readonly anyAudience?: true
  readonly graceSeconds?: number
}

function awsService({ anyAudience, graceSeconds = 0 }: Choices): Sample {
  return ({ issuer, audience, jwks: jwksUri }) => {
    // It fetches by https alone; what is fetched is the same.
    const fetcher = { fetch: async (url: string) => (await fetch(url)).arrayBuffer() }
    const verifier = JwtVerifier.create(
      {
        issuer,
        audience: anyAudience === true ? null : audience,
        jwksUri,
        graceSeconds,
        // What the library leaves to its callers.
        customJwtCheck: ({ header: { typ, ...header }, payload: { exp } }) => {
          const kind = typeof typ === 'string' && typ.toLowerCase().replace(/^application\//, '')
          const isFit = kind === 'at+jwt' && !('crit' in header) && exp !== undefined
          if (!isFit) throw new Error('not an access token')
        },
      },
      { jwksCache: new SimpleJwksCache({ fetcher }) },
    )
    return serviceFor(async (token) => {
      await verifier.verify(token)
      return true
    })
  }
}

export const strongAws: Sample = awsService({})
export const anyAudienceWithAws: Sample = awsService({ anyAudience: true })
/** Somebody's clock was wrong once. */
export const graceWithAws: Sample = awsService({ graceSeconds: 86_400 })
