import type { Metrics } from '@portcullis/runtime'
import type { Verifier } from '@portcullis/verify'

type FollowedHealth = Extract<ReturnType<Verifier['revocation']>, { followed: true }>

/** How far this process is with the revocations of its issuer; nothing while it follows none. */
export function tellOfFollower(current: () => Verifier | undefined, { gauge }: Metrics): void {
  const tell = (
    name: string,
    help: string,
    read: (health: FollowedHealth) => number | undefined,
  ): void => {
    // Of several workers the one that is furthest behind counts.
    const described = { name: `portcullis_follower_${name}`, help, labels: [] } as const
    gauge({ ...described, together: 'min' }, () => {
      const health = current()?.revocation()
      return health?.followed === true ? read(health) : undefined
    })
  }
  tell(
    'is_fresh',
    '1 while the issuer has vouched within maxStalenessSeconds that nothing is missing, else 0.',
    ({ isFresh }) => Number(isFresh),
  )
  tell('seq', 'How far in the revocation log this process is.', ({ seq }) => seq)
  tell('revocations', 'How many revocations are held.', ({ records }) => records)
  tell(
    'checkpoint_timestamp_seconds',
    'When the last checkpoint was made that was taken, by the clock of the issuer.',
    ({ checkpointAt }) => (checkpointAt === undefined ? undefined : checkpointAt / 1000),
  )
}
