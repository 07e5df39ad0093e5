import type { Chance, Expected, Happening } from './anomaly-world.ts'
import { createChance, dayMs, hourMs, minuteMs, mondayMs } from './anomaly-world.ts'
import type { Person, Week } from './anomaly-week.ts'

/** Something that somebody does in that week, and what is to be found of it. */
export interface Attack {
  readonly name: string
  readonly happenings: readonly Happening[]
  readonly expected: readonly Expected[]
}

interface Scene {
  readonly chance: Chance
  readonly week: Week
  readonly at: number
  readonly victim: Person
}

type Plan = (scene: Scene) => Omit<Attack, 'name'>

/** Each of them once, at a time of its own in the second half of the week. */
export function createAttacks(seed: number, week: Week): readonly Attack[] {
  const chance = createChance(seed ^ 0x5eed)
  return Object.entries(plans).map(([name, plan], number) => {
    const at = mondayMs + (3 + chance.next() * 3.5) * dayMs
    // Each has victims of its own, so that what is found can be told apart.
    const victim = week.people[number * 200 + chance.below(200)]
    if (victim === undefined) throw new RangeError('there are not enough people')
    return { name, ...plan({ chance, week, at, victim }) }
  })
}

const plans: Readonly<Record<string, Plan>> = {
  'a stolen refresh token that comes back': ({ at, victim }) => ({
    happenings: [
      {
        kind: 'recorded',
        at,
        event: 'refresh-reuse',
        record: `chain:${at}`,
        accountId: victim.id,
        sessionId: 'stolen',
        network: '45.0.0.1',
      },
    ],
    expected: [{ rule: 'refresh-reuse', subject: victim.id, from: at, until: at + minuteMs }],
  }),
  'a list of passwords from one address': (scene) =>
    stuff(scene, { network: '45.1.1.0/24', accounts: 300, everyMs: 1000 }),
  'a slow list from one provider': (scene) =>
    stuff(scene, { network: '45.2.2.0/24', accounts: 80, everyMs: 2 * minuteMs }),
  'a list over IPv6': (scene) =>
    stuff(scene, { network: '2001:db8:ffff::/48', accounts: 120, everyMs: 10_000 }),
  'a list from within an office': (scene) =>
    stuff(
      { ...scene, at: mondayMs + 3 * dayMs + (10 + 6 * scene.chance.next()) * hourMs },
      { network: '203.0.1.0/24', accounts: 400, everyMs: 2000 },
    ),
  'one account from a botnet': ({ at, victim, chance }) => ({
    happenings: Array.from({ length: 25 }, (_, number) => ({
      kind: 'wrong-password' as const,
      at: at + number * (1 + chance.below(2)) * minuteMs,
      network: `46.${number}.7.0/24`,
      target: victim.id,
      accountId: victim.id,
      times: 1,
    })),
    expected: [
      { rule: 'guessing-from-many-networks', subject: victim.id, from: at, until: at + hourMs },
    ],
  }),
  'a session that somebody else has too': ({ at, victim, chance }) => {
    const sessionId = `copied-${at}`
    return {
      happenings: Array.from({ length: 12 }, (_, number) => ({
        kind: 'session-used' as const,
        at: at + number * 75_000 + chance.below(15_000),
        network: number % 2 === 0 ? victim.home : '45.3.3.0/24',
        loginNetwork: victim.home,
        accountId: victim.id,
        sessionId,
      })),
      expected: [
        {
          rule: 'session-in-several-networks',
          subject: sessionId,
          from: at,
          until: at + 20 * minuteMs,
        },
      ],
    }
  },
  'a password that was phished': ({ at, victim }) => ({
    happenings: [
      {
        kind: 'signed-in',
        at,
        network: '45.4.4.0/24',
        accountId: victim.id,
        sessionId: `phished-${at}`,
        device: 'kit',
        isStranger: true,
      },
    ],
    expected: [{ rule: 'new-device', subject: victim.id, from: at, until: at + minuteMs }],
  }),
  'a stolen secret of a machine': ({ at, week, chance }) => {
    const clientId = week.clients[chance.below(week.clients.length)] ?? ''
    const fullest = fullestHour(week, clientId)
    // Ten times what it ever takes.
    const happenings = Array.from({ length: 600 }, (_, number) => ({
      kind: 'tokens-issued' as const,
      at: at + number * 6000,
      clientId,
      times: Math.ceil(Math.max(fullest, 20) / 60),
    }))
    return {
      happenings,
      expected: [{ rule: 'token-volume', subject: clientId, from: at, until: at + hourMs }],
    }
  },
  'forged tokens at one service': ({ at }) => ({
    happenings: Array.from({ length: 15 }, (_, number) => ({
      kind: 'tokens-refused' as const,
      at: at + number * 20_000,
      clientId: 'reviews',
      reason: 'bad-signature',
      times: 40,
    })),
    expected: [{ rule: 'refused-tokens', subject: 'reviews', from: at, until: at + hourMs }],
  }),
  'old tokens that are tried by the thousand': ({ at }) => ({
    happenings: Array.from({ length: 20 }, (_, number) => ({
      kind: 'tokens-refused' as const,
      at: at + number * 20_000,
      clientId: 'orders',
      reason: 'expired',
      times: 200,
    })),
    expected: [{ rule: 'refused-tokens', subject: 'orders', from: at, until: at + hourMs }],
  }),
  'a machine whose clock has gone wrong': ({ at }) => ({
    happenings: Array.from({ length: 20 }, (_, number) => ({
      kind: 'clock-apart' as const,
      at: at + number * 20_000,
      clientId: 'stock',
      follower: 'stock-7',
      apartMs: 7500,
    })),
    expected: [{ rule: 'clock-apart', subject: 'stock', from: at, until: at + hourMs }],
  }),
  'a rotation that does not happen': ({ at }) => ({
    happenings: Array.from({ length: 240 }, (_, number) => ({
      kind: 'key-overdue' as const,
      at: at + number * 30_000,
      kid: 'old-key',
      overdueMs: 23.5 * hourMs + number * 30_000,
    })),
    expected: [{ rule: 'key-overdue', subject: 'old-key', from: at, until: at + 2 * hourMs }],
  }),
  'a service that is cut off from the feed': ({ at }) => ({
    happenings: Array.from({ length: 20 }, (_, number) => ({
      kind: 'follower-behind' as const,
      at: at + number * 30_000,
      clientId: 'orders',
      follower: 'A'.repeat(22),
      lacks: number + 1,
    })),
    expected: [{ rule: 'follower-behind', subject: 'orders', from: at, until: at + hourMs }],
  }),
  'a standby that had not everything': ({ at, victim }) => ({
    happenings: Array.from({ length: 40 }, (_, number) => ({
      kind: 'recorded' as const,
      at: at + number * 20_000,
      event: 'history-lost' as const,
      record: `chain:${at + number}`,
      accountId: victim.id,
      sessionId: `session-${number}`,
      network: victim.home,
    })),
    expected: [{ rule: 'history-lost', subject: 'issuer', from: at, until: at + hourMs }],
  }),
  'a list that is hidden behind logins to an own account': (scene) => {
    const network = '45.5.5.0/24'
    const { happenings, expected } = stuff(scene, { network, accounts: 200, everyMs: 3000 })
    const own = happenings
      .filter((_, number) => number % 2 === 0)
      .map(({ at }, number): Happening => {
        const sessionId = `own-${at}-${number}`
        const account = { accountId: 'an-own-account', sessionId, device: 'own', isStranger: false }
        return { kind: 'signed-in', at: at - 1000, network, ...account }
      })
    return { happenings: [...happenings, ...own], expected }
  },
}

function fullestHour({ happenings }: Week, clientId: string): number {
  const hours = new Map<number, number>()
  for (const one of happenings) {
    if (one.kind !== 'tokens-issued' || one.clientId !== clientId) continue
    const hour = Math.floor(one.at / hourMs)
    hours.set(hour, (hours.get(hour) ?? 0) + one.times)
  }
  return Math.max(0, ...hours.values())
}

interface List {
  readonly network: string
  readonly accounts: number
  readonly everyMs: number
}

/** Of a hundred pairs about one is right; half of the names are nobody's. */
function stuff(
  { chance, week, at }: Scene,
  { network, accounts, everyMs }: List,
): Omit<Attack, 'name'> {
  const until = at + accounts * everyMs + hourMs
  const expected: Expected[] = [{ rule: 'credential-stuffing', subject: network, from: at, until }]
  const happenings = Array.from({ length: accounts }, (_, number): Happening => {
    const triedAt = at + number * everyMs
    const person = chance.happens(0.5) ? week.people[2500 + number] : undefined
    const accountId = person?.id
    const target = accountId ?? `nobody-${network}-${number}`
    const kind = 'wrong-password'
    return { kind, at: triedAt, network, target, accountId, times: 1 }
  })
  // The one that fits comes when the rest has been seen.
  const guessed = week.people[3900 + chance.below(90)]
  if (guessed === undefined) return { happenings, expected }
  const loginAt = at + Math.ceil(accounts * 0.8) * everyMs
  happenings.push({
    kind: 'signed-in',
    at: loginAt,
    network,
    accountId: guessed.id,
    sessionId: `guessed-${network}`,
    // Two lists may have a pair of the same person.
    device: `kit-${network}`,
    isStranger: true,
  })
  expected.push(
    { rule: 'guessed-login', subject: guessed.id, from: loginAt, until },
    { rule: 'new-device', subject: guessed.id, from: loginAt, until },
  )
  return { happenings, expected }
}
