import type { JSX } from 'preact'
import { Loaded } from '../elements/loaded.tsx'
import { useFleet } from '../revocation/followed-fleet.ts'
import { texts } from '../text/texts.ts'
import { FleetView } from './fleet-view.tsx'
import { RecentRevocations } from './recent-revocations.tsx'

/** Who follows the log, how far each has come, and what was revoked lately. */
export function RevocationsPage(): JSX.Element {
  const { title, followers, recent } = texts.revocations
  const fleet = useFleet()
  return (
    <>
      <h1>{title}</h1>
      <section>
        <h2>{followers.title}</h2>
        <Loaded loading={fleet}>
          {fleet.value !== undefined && <FleetView fleet={fleet.value} />}
        </Loaded>
      </section>
      <section>
        <h2>{recent.title}</h2>
        <RecentRevocations />
      </section>
    </>
  )
}
