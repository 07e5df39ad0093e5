import type { Chance, Happening } from './anomaly-world.ts'
import { createChance, dayMs, hourMs, minuteMs, mondayMs } from './anomaly-world.ts'

/*
 * A week of people, machines and deployments in which nobody does anything wrong: offices behind one address, people on
 * the move, passwords that are mistyped and forgotten, new telephones, jobs at night.
 */

export interface Person {
  readonly id: string
  readonly home: string
  /** Of an office, where they work in one. */
  readonly office: string | undefined
  readonly isMobile: boolean
  devices: string[]
  readonly knownNetworks: Set<string>
}

export interface Week {
  readonly people: readonly Person[]
  readonly clients: readonly string[]
  readonly services: readonly string[]
  readonly happenings: Happening[]
}

const peopleCount = 4000
const officeSizes = [900, 400, 150, 40]
const carriers = 40
const homes = 3000
const days = 7

export function createWeek(seed: number): Week {
  const chance = createChance(seed)
  const people = Array.from({ length: peopleCount }, (_, number) => newPerson(chance, number))
  const clients = Array.from({ length: 25 }, (_, number) => `client-${number}`)
  const services = ['orders', 'reviews', 'search', 'stock', 'gateway', 'reports']
  const week: Week = { people, clients, services, happenings: [] }
  // What was usual before: nobody starts on the day on which the rules do.
  for (const person of people)
    signIn(week, chance, person, { at: mondayMs - dayMs, place: person.home })
  for (let day = 0; day < days; day += 1) {
    for (const person of people) livePersonsDay(week, chance, person, day)
    for (const [number, client] of clients.entries())
      runClientsDay(week, chance, { client, number, day })
    for (const service of week.services) runServicesDay(week, chance, service, day)
  }
  return week
}

function newPerson(chance: Chance, number: number): Person {
  const sizes = officeSizes.entries()
  let before = 0
  let office: string | undefined
  for (const [place, size] of sizes) {
    if (number >= before && number < before + size) office = `203.0.${place}.0/24`
    before += size
  }
  const isMobile = chance.happens(0.4)
  const home = chance.happens(0.3)
    ? `2001:db8:${chance.below(homes).toString(16)}::/48`
    : `198.${18 + chance.below(2)}.${chance.below(250)}.0/24`
  const id = `person-${number}`
  return { id, home, office, isMobile, devices: [`${id}-laptop`], knownNetworks: new Set([home]) }
}

function carrierNetwork(chance: Chance): string {
  return `100.64.${chance.below(carriers)}.0/24`
}

function livePersonsDay(week: Week, chance: Chance, person: Person, day: number): void {
  const isWorkday = day < 5
  const midnight = mondayMs + day * dayMs
  if (isWorkday && person.office !== undefined && chance.happens(0.85)) {
    // Most of an office comes within the same hour.
    const at = midnight + 7.5 * hourMs + (chance.next() + chance.next()) * hourMs * 0.75
    workFrom(week, chance, person, { at, place: person.office, hours: 8, isMonday: day === 0 })
  }
  if (chance.happens(isWorkday ? 0.25 : 0.4)) {
    const at = midnight + (6 + chance.next() * 17) * hourMs
    const place = person.isMobile ? carrierNetwork(chance) : person.home
    workFrom(week, chance, person, { at, place, hours: 2, isMonday: false })
  }
  // A program with an old password asks again and again.
  if (chance.happens(0.0005)) tryOldPassword(week, chance, person, midnight)
}

interface Visit {
  readonly at: number
  readonly place: string
  readonly hours: number
  readonly isMonday: boolean
}

function workFrom(week: Week, chance: Chance, person: Person, visit: Visit): void {
  // After the weekend people have forgotten more, and a tenth of them has a new password since Friday.
  const mistypes = visit.isMonday ? 0.15 : 0.07
  let { at } = visit
  while (chance.happens(mistypes) || (at > visit.at && chance.happens(0.3))) {
    mistype(week, person, { at, place: visit.place })
    at += 5000 + chance.below(40_000)
    // Some give up, and come again another time.
    if (chance.happens(0.03)) return
  }
  if (chance.happens(1 / 300)) person.devices = [...person.devices, `${person.id}-${at}`]
  const sessionId = signIn(week, chance, person, { at, place: visit.place })
  useSession(week, chance, person, { ...visit, at, sessionId })
}

function mistype(week: Week, person: Person, { at, place }: Pick<Visit, 'at' | 'place'>): void {
  const kind = 'wrong-password'
  week.happenings.push({
    kind,
    at,
    network: place,
    target: person.id,
    accountId: person.id,
    times: 1,
  })
}

function signIn(
  week: Week,
  chance: Chance,
  person: Person,
  { at, place }: Pick<Visit, 'at' | 'place'>,
): string {
  const sessionId = `${person.id}-at-${at}`
  // The newest device is the one in the hand.
  const device = chance.happens(0.7) ? person.devices.at(-1) : person.devices[0]
  // One carrier has many addresses, so that even at a known place one is new most of the time.
  const isStranger = !person.knownNetworks.has(place) || place.startsWith('100.64.')
  person.knownNetworks.add(place)
  week.happenings.push({
    kind: 'signed-in',
    at,
    network: place,
    accountId: person.id,
    sessionId,
    device: device ?? '',
    isStranger,
  })
  return sessionId
}

/** A refresh each quarter of an hour, and something of the own account now and then. */
function useSession(
  week: Week,
  chance: Chance,
  person: Person,
  { at: from, place, hours, sessionId }: Visit & { readonly sessionId: string },
): void {
  const { id: accountId, isMobile, home } = person
  let network = place
  const use = (at: number): void => {
    const kind = 'session-used'
    week.happenings.push({ kind, at, network, loginNetwork: place, accountId, sessionId })
  }
  for (let at = from + 14 * minuteMs; at < from + hours * hourMs; at += 14 * minuteMs) {
    if (isMobile && chance.happens(0.3)) {
      network = chance.happens(0.5) ? carrierNetwork(chance) : home
    }
    use(at)
    // On a train: from the wireless network of the carriage to a carrier and back.
    if (isMobile && chance.happens(0.02)) {
      for (const step of [1, 2]) {
        network = step === 1 ? carrierNetwork(chance) : '192.0.2.0/24'
        use(at + step * 2 * minuteMs)
      }
    }
  }
}

function tryOldPassword(week: Week, chance: Chance, person: Person, midnight: number): void {
  const from = midnight + chance.below(12) * hourMs
  for (let times = 0; times < 60; times += 1)
    mistype(week, person, { at: from + times * 5 * minuteMs, place: person.home })
}

interface ClientsDay {
  readonly client: string
  readonly number: number
  readonly day: number
}

/** By day more than by night, or a job at night; three times as many tokens while it is deployed. */
function runClientsDay(week: Week, chance: Chance, { client, number, day }: ClientsDay): void {
  const midnight = mondayMs + day * dayMs
  const isNightly = number % 5 === 0
  const usual = 5 + (number % 7) * 40
  const deployedAt = chance.happens(0.5) ? 9 + chance.below(8) : undefined
  for (let hour = 0; hour < 24; hour += 1) {
    const byDay = 0.3 + 0.7 * Math.sin((Math.PI * hour) / 24)
    const nightly = isNightly && hour === 2 ? 12 : 0.2
    const weekly = day === 5 && hour === 3 ? 1.8 : 1
    const deployed = hour === deployedAt ? 3 : 1
    const noise = 0.7 + 0.6 * chance.next()
    const tokens = Math.ceil(usual * (isNightly ? nightly : byDay) * weekly * deployed * noise)
    for (let token = 0; token < tokens; token += 5) {
      const at = midnight + hour * hourMs + chance.below(hourMs)
      week.happenings.push({
        kind: 'tokens-issued',
        at,
        clientId: client,
        times: Math.min(5, tokens - token),
      })
    }
  }
}

/** Tokens that have just expired or were revoked, more by day and after a deployment; here and there a slow report. */
function runServicesDay(week: Week, chance: Chance, service: string, day: number): void {
  const midnight = mondayMs + day * dayMs
  const busy = 10 + 60 * (week.services.indexOf(service) + 1)
  const deployedAt = chance.happens(0.6) ? 9 + chance.below(8) : undefined
  for (let at = midnight; at < midnight + dayMs; at += minuteMs) {
    const hour = Math.floor((at - midnight) / hourMs)
    const byDay = 0.2 + 0.8 * Math.sin((Math.PI * hour) / 24)
    const isDeployed = hour === deployedAt && at - midnight - hour * hourMs < 5 * minuteMs
    const times = Math.floor((busy / 10) * byDay * chance.next() * (isDeployed ? 4 : 1))
    const refused = { kind: 'tokens-refused', at, clientId: service } as const
    if (times > 0) week.happenings.push({ ...refused, reason: 'expired', times })
    if (chance.happens(0.05)) week.happenings.push({ ...refused, reason: 'revoked', times: 2 })
    if (isDeployed) week.happenings.push({ ...refused, reason: 'stale', times: chance.below(6) })
    if (chance.happens(0.001)) {
      const slow = { kind: 'clock-apart', at, clientId: service, follower: `${service}-1` } as const
      week.happenings.push({ ...slow, apartMs: -3000 - chance.below(5000) })
    }
  }
}
