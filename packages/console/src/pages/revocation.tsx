import type { ListedRevocation } from '@portcullis/client/admin'
import type { RevocationPosition } from '@portcullis/client'
import type { JSX } from 'preact'
import { useLoaded } from '../data/load.ts'
import { Facts } from '../elements/facts.tsx'
import { FollowedWave } from '../elements/followed-wave.tsx'
import { Decider, Revoked } from '../elements/revoked.tsx'
import { addressOf } from '../navigation/route.ts'
import { positionText, readPosition } from '../revocation/standing.ts'
import { administration } from '../session/session.ts'
import { exactly } from '../text/format.ts'
import { texts } from '../text/texts.ts'

/** One revocation: how it has travelled, and what it was about. */
export function RevocationPage({ id }: { readonly id: string }): JSX.Element {
  const { revocations } = texts
  const position = readPosition(id)
  return (
    <>
      <p>
        <a href={addressOf('revocations')}>{revocations.backToAll}</a>
      </p>
      <h1>{revocations.wave}</h1>
      {position === undefined ? (
        <p role="alert">{revocations.notPosition}</p>
      ) : (
        <OnePage position={position} />
      )}
    </>
  )
}

/** The wave is told of also where the rest is not known; of what is gone it says so. */
function OnePage({ position }: { readonly position: RevocationPosition }): JSX.Element {
  const { about, facts } = texts.revocations
  const id = positionText(position)
  const { value: found } = useLoaded(`revocation ${id}`, () =>
    administration.revocations.get(position),
  )
  const place = [facts.position, <code key="position">{id}</code>] as const
  return (
    <>
      {found !== undefined && (
        <p class="lede">
          <Revoked revocation={found} />
          {found.reason !== undefined && <q>{found.reason}</q>}
        </p>
      )}
      <FollowedWave position={position} />
      <section>
        <h2>{about}</h2>
        <Facts facts={found === undefined ? [place] : [...factsOf(found), place]} />
      </section>
    </>
  )
}

function factsOf(one: ListedRevocation): readonly (readonly [string, JSX.Element | string])[] {
  const { facts } = texts.revocations
  const { none } = texts.frame
  return [
    [facts.what, <Revoked key="what" revocation={one} />],
    [facts.reason, one.reason ?? none],
    [facts.cause, one.cause === undefined ? none : causeText(one.cause)],
    [facts.actor, <Decider key="actor" id={one.actor} />],
    [facts.committed, exactly(one.committedAt)],
    [facts.until, one.until === undefined ? facts.forEver : exactly(one.until)],
  ]
}

/** As the record calls it. */
function causeText(cause: string): string {
  return texts.audit.kinds[cause] ?? cause
}
