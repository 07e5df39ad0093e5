import type { Chance } from './chance.ts'
import { noteFault } from './faults.ts'
import { startNode } from './identity-node.ts'
import type { Site } from './node-database.ts'
import { endConnection } from './node-database.ts'
import type { NodeSlot } from './nodes.ts'
import { tellOfCrash } from './paths.ts'
import { memoriesMax } from './registry.ts'
import type { StateDisk } from './state-disk.ts'
import { quickMs } from './ways.ts'
import type { World } from './world.ts'
import { disturb, endSite, storeClock } from './world.ts'

/** Something goes wrong. What it begins it also ends, or `heal` does. */
export type Trouble = (world: World, chance: Chance) => void

const restartMs = 700

/** Starts a node, and again until it stands, as whatever watches over processes does. */
export function bringUp(world: World, slot: NodeSlot): void {
  slot.isWanted = true
  slot.end?.()
  const attempt = startNode(world, slot)
  const { end } = slot
  const stand = async (): Promise<void> => {
    const node = await attempt
    if (slot.end !== end) return
    slot.node = node
    world.tally.count('nodes started')
    world.tell(`${slot.name} is up`)
  }
  stand().catch((error: unknown) => {
    noteFault(world, error)
    world.time.after(restartMs, () => {
      if (slot.isWanted && slot.end === end) bringUp(world, slot)
    })
  })
}

function takeDown(world: World, slot: NodeSlot): void {
  const { node } = slot
  slot.isWanted = false
  slot.end?.()
  slot.end = undefined
  slot.node = undefined
  if (node !== undefined) tellOfCrash(node)
  for (const site of world.sites) {
    for (const one of [...site.connections].filter(({ owner }) => owner === slot.name)) {
      endConnection(one)
    }
  }
}

function crashFor(world: World, slot: NodeSlot, ms: number): void {
  disturb(world, ms)
  world.tally.count('crashes')
  world.tell(`${slot.name} crashes`)
  takeDown(world, slot)
  world.time.after(ms, () => {
    if (slot.node === undefined && !slot.isWanted) bringUp(world, slot)
  })
}

const crash: Trouble = (world, chance) =>
  crashFor(world, chance.oneOf(world.nodes), chance.between(100, 12_000))

/** With the settings changed meanwhile: tokens live longer, or not as long. */
const redeploy: Trouble = (world, chance) => changeLives(world, chance, chance.oneOf([30, 60, 600]))

const shortenLives: Trouble = (world, chance) => changeLives(world, chance, 30)

function changeLives(world: World, chance: Chance, accessTokenSeconds: number): void {
  for (const slot of world.nodes) {
    slot.accessTokenSeconds = accessTokenSeconds
    crashFor(world, slot, chance.between(100, 3_000))
  }
  world.tally.count('lifetimes changed')
}

const cutOff: Trouble = (world, chance) => {
  const { path, name, maxStalenessMs } = chance.oneOf(world.followers)
  const ms = chance.between(500, 3 * maxStalenessMs)
  path.mode = chance.happens(0.8) ? 'silent' : 'refused'
  disturb(world, ms)
  world.tally.count('partitions')
  world.tell(`the path of ${name} is ${path.mode} for ${ms} ms`)
  world.time.after(ms, () => {
    path.mode = 'up'
  })
}

const slowDown: Trouble = (world, chance) => {
  const { path, name } = chance.oneOf(world.followers)
  const ms = chance.between(1_000, 20_000)
  path.delayMs = [0, chance.between(50, 2_500)]
  disturb(world, ms)
  world.tell(`the path of ${name} is slow for ${ms} ms`)
  world.time.after(ms, () => {
    path.delayMs = quickMs
  })
}

const hostileRelay: Trouble = (world, chance) => {
  const { path, name } = chance.oneOf(world.followers)
  const ms = chance.between(3_000, 40_000)
  path.relay = chance.happens(0.6) ? 'hostile' : 'forging'
  disturb(world, ms)
  world.tell(`the relay of ${name} is ${path.relay} for ${ms} ms`)
  world.time.after(ms, () => {
    path.relay = 'honest'
  })
}

const lateRelay: Trouble = (world, chance) => {
  const { path, name } = chance.oneOf(world.followers)
  const ms = chance.between(10_000, 60_000)
  path.relay = 'late'
  path.lateMs = chance.between(2_000, 120_000)
  disturb(world, ms + path.lateMs)
  world.tally.count('relays that delay everything')
  world.tell(`the relay of ${name} is ${path.lateMs} ms late for ${ms} ms`)
  world.time.after(ms, () => {
    path.relay = 'honest'
  })
}

const restartFollower: Trouble = (world, chance) => {
  const follower = chance.oneOf(world.followers)
  const { name, disk, path } = follower
  const endsMs = chance.happens(0.3) ? chance.between(10, 1_000) : 0
  if (endsMs > 0) void follower.stop()
  disturb(world, endsMs)
  world.time.after(endsMs, () => {
    world.tally.count('followers restarted')
    world.tell(`${name} restarts`)
    if (disk?.kept !== undefined) changeDisk(world, chance, disk)
    follower.restart()
  })
  // Then what it lets in goes by its disk alone.
  if (disk === undefined || !chance.happens(0.4)) return
  const ms = chance.between(2_000, 12_000)
  disturb(world, ms)
  world.tell(`the feed of ${name} is silent for ${ms} ms`)
  path.relay = 'mute'
  world.time.after(ms, () => {
    path.relay = 'honest'
  })
}

/** Before a service reads it. */
function changeDisk({ tally, tell }: World, chance: Chance, disk: StateDisk): void {
  if (chance.happens(0.2)) {
    tally.count('states that were lost')
    tell('its disk is lost')
    disk.kept = undefined
  } else if (chance.happens(0.3)) {
    tally.count('old states that were put back')
    disk.kept = chance.oneOf(disk.copies)
    tell(`on its disk is ${disk.kept.checkpoint.seq} again`)
  } else {
    tally.count('followers restarted from disk')
  }
}

const stepClock: Trouble = (world, chance) => {
  const isWild = chance.happens(0.3)
  const ms = isWild ? chance.between(-90_000, 90_000) : chance.between(-2_000, 2_000)
  const follower = chance.oneOf(world.followers)
  disturb(world, Math.abs(ms))
  world.tally.count(isWild ? 'clocks stepped far' : 'clocks stepped')
  world.tell(`the clock of ${follower.name} steps by ${ms} ms`)
  follower.stepMs(ms)
}

const stepStoreClock: Trouble = (world, chance) => {
  const ms = chance.happens(0.3) ? chance.between(-20_000, 20_000) : chance.between(-2_000, 2_000)
  disturb(world, Math.abs(ms))
  world.tally.count('clocks of the store stepped')
  world.tell(`the clock of the store steps by ${ms} ms`)
  storeClock(world)?.stepMs(ms)
}

/** A standby takes over. What it lacks of the last commits is what its set-up risks. */
const failOver: Trouble = (world, chance) => {
  const old = world.primary
  if (old === undefined || world.config.engine === 'sqlite') return
  if (world.sites.length >= memoriesMax) return
  const { isSynchronous } = world.config
  const least = isSynchronous ? old.acknowledged : Math.max(8, old.acknowledged - 6)
  const place = chance.between(Math.min(least, old.server.commits()), old.server.commits())
  if (place < old.acknowledged) world.tally.count('failovers that lost commits')
  // Only what waits for its standby at every commit may be left behind alive.
  if (isSynchronous && chance.happens(0.6)) isolate(world, chance, old, place)
  else endSite(old, 'dead')
  world.tally.count('failovers')
  goOn(world, { old, place, afterMs: chance.between(200, 4_000) })
}

/** The old primary goes on answering those who are on its side. */
function isolate(world: World, chance: Chance, old: Site, place: number): void {
  const ms = chance.between(4_000, 45_000)
  const stranded = world.nodes.filter(() => chance.happens(0.6))
  world.tally.count('old primaries that were isolated')
  world.tell(
    `the old primary is isolated for ${ms} ms, with ${stranded.map(({ name }) => name).join()}`,
  )
  old.state = 'isolated'
  // A commit that waits for its standby was seen by nobody.
  old.server.rewind(place)
  // Of the others only the connections that they have lead there, and new ones to whoever has taken over.
  for (const slot of stranded) if (chance.happens(0.6)) slot.site = old
  const names = new Set(stranded.map(({ name }) => name))
  // A pool closes one now and then, and has a foot on either side when the next leads elsewhere.
  for (const one of Array.from(old.connections)) {
    if (!names.has(one.owner) || chance.happens(0.3)) endConnection(one)
  }
  disturb(world, ms)
  world.time.after(ms, () => {
    endSite(old, 'dead')
    for (const slot of stranded) slot.site = undefined
  })
}

/** Somebody puts a backup in the place of the database. */
const restore: Trouble = (world, chance) => {
  const old = world.primary
  if (old === undefined || world.sites.length >= memoriesMax) return
  const place = chance.between(8, Math.max(8, old.server.commits()))
  const [slot] = world.nodes
  world.tally.count('restores')
  world.tell(`a backup of ${old.server.commits() - place} commits ago is restored`)
  if (world.config.engine === 'sqlite') {
    if (slot === undefined) return
    takeDown(world, slot)
    if (chance.happens(0.3)) slot.file.mark = undefined
    world.time.after(1_500, () => bringUp(world, slot))
  } else if (chance.happens(0.5)) {
    for (const one of world.nodes) crashFor(world, one, chance.between(500, 6_000))
  }
  endSite(old, 'dead')
  goOn(world, { old, place, afterMs: 1_000 })
}

function goOn(
  world: World,
  { old, place, afterMs }: { readonly old: Site; readonly place: number; readonly afterMs: number },
): void {
  disturb(world, afterMs)
  world.primary = undefined
  world.time.after(afterMs, () => {
    world.primary = world.startServer(place, old)
    forgetLostKeys(world, world.primary)
    world.tell(`${world.primary.server.lineage} goes on`)
  })
}

/** That a key was withdrawn is lost with the commit, and has to be done again. */
function forgetLostKeys(world: World, { look }: Site): void {
  const kept = new Set(
    look('SELECT kid FROM signing_keys WHERE withdrawn_at IS NOT NULL').map(({ kid }) => kid),
  )
  for (const one of world.takeBacks) {
    if (one.kind === 'key' && !kept.has(one.key)) one.acknowledgedAt = undefined
  }
}

/** Everybody is gone for a quarter of an hour, and the services are on their own. */
const longNight: Trouble = (world, chance) => {
  const ms = chance.between(880_000, 940_000)
  world.tally.count('long nights')
  disturb(world, ms)
  world.tell('nobody answers for a quarter of an hour')
  for (const slot of world.nodes) crashFor(world, slot, ms)
}

/** The services are cut off for as long, and cannot know why. */
const longLoss: Trouble = (world, chance) => {
  const ms = chance.between(900_000, 940_000)
  disturb(world, ms)
  world.tell('the services lose their way to the issuer for a quarter of an hour')
  for (const { path } of world.followers) {
    path.mode = 'silent'
    world.time.after(ms, () => {
      path.mode = 'up'
    })
  }
}

export const troubles: Readonly<Record<string, Trouble>> = {
  crash,
  redeploy,
  'shorten lives': shortenLives,
  'cut off': cutOff,
  'slow path': slowDown,
  'hostile relay': hostileRelay,
  'late relay': lateRelay,
  'restart follower': restartFollower,
  'step clock': stepClock,
  'step store clock': stepStoreClock,
  'fail over': failOver,
  restore,
  'long loss': longLoss,
  'long night': longNight,
}

/** Whatever was wrong is mended. */
export function heal(world: World): void {
  const { config, chance } = world
  world.tell('all is mended')
  for (const site of world.sites) if (site !== world.primary) endSite(site, 'dead')
  for (const slot of world.nodes) {
    slot.site = undefined
    if (!slot.isWanted) bringUp(world, slot)
  }
  // A service that asks for three seconds is stale for good where the clocks differ by more.
  world.skewMs = Math.min(config.skewMs, 400)
  const right = (): number => chance.between(-world.skewMs, world.skewMs)
  const clock = storeClock(world)
  clock?.set(right())
  for (const slot of world.nodes) if (slot.clock !== clock) slot.clock.set(right())
  for (const follower of world.followers) {
    follower.stepMs(right() - follower.clock.aheadMs())
    // What it was told while its own clock was wrong too it does not get over.
    const aheadMs = follower.aheadForGoodMs()
    if (aheadMs > 0 && aheadMs < Infinity) world.time.after(aheadMs, follower.restart)
    Object.assign(follower.path, { mode: 'up', delayMs: quickMs, relay: 'honest', lateMs: 0 })
  }
}
