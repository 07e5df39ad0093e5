import type { ListedRevocation } from '@portcullis/client/admin'
import type { JSX } from 'preact'
import { useLoaded } from '../data/load.ts'
import { Facts } from '../elements/facts.tsx'
import { exactly, Moment } from '../elements/moment.tsx'
import { Revoked, ShortId } from '../elements/revoked.tsx'
import { Wave } from '../elements/wave.tsx'
import { addressOf } from '../navigation/route.ts'
import { positionText, readPosition } from '../revocation/standing.ts'
import { administration } from '../session/session.ts'
import { texts } from '../text/texts.ts'

/** One revocation: what it was about, and how it has travelled. */
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
        <>
          <About id={id} />
          <section class="of-wave">
            <h2>{revocations.atFollowers}</h2>
            <Wave position={position} />
          </section>
        </>
      )}
    </>
  )
}

/** The wave is told of also where the rest is not known. */
function About({ id }: { readonly id: string }): JSX.Element {
  const loading = useLoaded(`revocation ${id}`, () => findListed(id))
  const found = loading.value
  const position = [texts.revocations.facts.position, <code key="position">{id}</code>] as const
  return <Facts facts={found?.[0] === undefined ? [position] : [...factsOf(found[0]), position]} />
}

/** So many of the newest are looked through. */
const lookedThrough = 200

async function findListed(id: string): Promise<readonly ListedRevocation[]> {
  const { items } = await administration.revocations.page({ limit: lookedThrough })
  return items.filter(({ position }) => positionText(position) === id)
}

function factsOf(one: ListedRevocation): readonly (readonly [string, JSX.Element | string])[] {
  const { facts } = texts.revocations
  const { none } = texts.frame
  return [
    [facts.what, <Revoked key="what" revocation={one} />],
    [facts.reason, one.reason ?? none],
    [facts.cause, one.cause === undefined ? none : <code key="cause">{one.cause}</code>],
    [facts.actor, one.actor === undefined ? none : <ShortId key="actor" id={one.actor} />],
    [facts.committed, <Moment key="committed" at={one.committedAt} />],
    [facts.until, one.until === undefined ? facts.forEver : exactly(one.until)],
  ]
}
