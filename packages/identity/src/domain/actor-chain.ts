import type { AccessTokenClaims, JsonObject, JsonValue } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import type { Client, ClientStore } from './clients.ts'

/** More than four services that act for one another are a loop, or a token that nobody can judge any more. */
const actorsMax = 4

interface ChainedActor {
  readonly clientId: string
  /** The client's own generation: that in the token is of the client which it began with. */
  readonly generation: number
}

/**
 * The `act` claim with one more client that acts, outermost (RFC 8693 section 4.1); undefined when there are
 * too many.
 */
export function withActor(
  { act }: Pick<AccessTokenClaims, 'act'>,
  { id, generation }: Pick<Client, 'id' | 'generation'>,
): JsonObject | undefined {
  if ((actorsOf(act)?.length ?? actorsMax) >= actorsMax) return undefined
  return { sub: id, cgen: generation, ...(act === undefined ? {} : { act }) }
}

/** The client that a token was issued to: whoever exchanged it last, or else the one it began with. */
export function issuedTo({ act, client_id: clientId }: AccessTokenClaims): string {
  return actorsOf(act)?.[0]?.clientId ?? clientId
}

/** For when each client that acts in a token was vouched; undefined when one of them was stopped. */
export async function readActors(
  clients: ClientStore,
  { act }: AccessTokenClaims,
): Promise<readonly number[] | undefined> {
  const actors = actorsOf(act)
  if (actors === undefined) return undefined
  const found = await Promise.all(actors.map(({ clientId }) => clients.find(clientId)))
  const times = actors.map(({ clientId, generation }, at) => {
    const client = found[at]
    const isCurrent = client?.id === clientId && generation >= client.generation
    return isCurrent ? client.vouchedAt : undefined
  })
  return times.every((time) => time !== undefined) ? times : undefined
}

/** The outermost first. Undefined for a chain that this issuer does not write. */
function actorsOf(act: JsonValue | undefined): readonly ChainedActor[] | undefined {
  const actors: ChainedActor[] = []
  for (let actor = act; actor !== undefined; actor = actor['act']) {
    if (!isJsonObject(actor)) return undefined
    const { sub, cgen } = actor
    if (typeof sub !== 'string' || typeof cgen !== 'number') return undefined
    actors.push({ clientId: sub, generation: cgen })
  }
  return actors
}
