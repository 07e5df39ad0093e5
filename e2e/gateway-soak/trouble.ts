import { setTimeout } from 'node:timers/promises'
import type { LoneIssuer } from '../lone-issuer.ts'
import type { GatewayProcess } from './gateway-process.ts'
import type { Scene } from './scene.ts'

interface Trouble {
  readonly everyMs: number
  readonly make: () => Promise<void>
}

/** All that happens around the requests, each kind on its own until it is over. */
export async function makeTrouble(
  scene: Scene,
  gateway: GatewayProcess,
  issuer: LoneIssuer,
): Promise<void> {
  const { chance, book, services, settings, sessions } = scene
  const troubles: readonly Trouble[] = [
    {
      everyMs: 9000,
      make: async () => {
        const signal = chance.pick<'SIGTERM' | 'SIGKILL'>(['SIGTERM', 'SIGKILL'])
        await chance.pick(services).restart(signal, chance.integer(0, 2500))
        book.count(`restarts of a service by ${signal}`)
      },
    },
    { everyMs: 4000, make: () => settings.change(gateway) },
    { everyMs: 2500, make: () => sessions.endSome() },
    {
      everyMs: 12_000,
      make: async () => {
        const isRotated = await issuer.rotateKeys()
        book.count(isRotated ? 'key rotations' : 'key rotations that came too soon')
      },
    },
  ]
  await Promise.all(
    troubles.map(async ({ everyMs, make }) => {
      for (;;) {
        const untilMs = Date.now() + chance.integer(everyMs / 2, everyMs * 1.5)
        while (Date.now() < untilMs && !scene.isOver()) await setTimeout(100)
        if (scene.isOver()) return
        await make()
      }
    }),
  )
}
