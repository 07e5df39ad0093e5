import type { Registry } from '../../packages/identity/src/domain/registry.ts'
import { registryOf } from '../../packages/identity/src/settings/structure.ts'
import { bootstrapStore } from '../../packages/identity/src/store/bootstrap.ts'
import type { Database } from '../../packages/identity/src/store/database.ts'
import { algorithm } from './cheap-keys.ts'
import { audience, issuer, machine, people } from './names.ts'
import type { Memory, MemoryPool } from './store-server.ts'
import { createStoreServer, openMemory } from './store-server.ts'

const registries = new Map<number, Registry>()

export function registryWith(accessTokenSeconds: number): Registry {
  let registry = registries.get(accessTokenSeconds)
  if (registry === undefined) {
    registry = registryOf(issuer, {
      audiences: {
        [audience]: {
          scopes: ['read'],
          roles: ['customer', 'boss'],
          accessTokenSeconds,
          algorithm,
        },
      },
      roles: { customer: { [audience]: ['read'] } },
    })
    registries.set(accessTokenSeconds, registry)
  }
  return registry
}

/** Databases with the people and the clients that every schedule begins with. */
export async function openMemories(): Promise<MemoryPool> {
  const memories: Memory[] = []
  for (let count = 0; count < memoriesMax; count += 1) memories.push(await beginning())
  return {
    take: (index) => {
      const memory = memories[index]
      if (memory === undefined) throw new TypeError('a schedule has too many servers')
      return memory
    },
  }
}

/** The first server, and one for each that takes its place. */
export const memoriesMax = 4

async function beginning(): Promise<Memory> {
  const memory = await openMemory()
  const { transaction } = createStoreServer({ memory, lineage: '', clock: () => 0, history: [] })
  const exclusive: Database['exclusive'] = async (steps) => (await transaction(steps)).result
  await bootstrapStore({ exclusive } as Database, {
    accounts: people.map((identifier) => ({
      id: identifier.padEnd(22, 'A'),
      identifier,
      passwordHash: `hash of ${identifier}`,
      roles: ['customer', 'boss'],
    })),
    clients: [
      { id: 'web'.padEnd(22, 'A'), name: 'web', isPublic: true, ...webGrants },
      { id: machine.padEnd(22, 'A'), name: machine, isPublic: false, ...machineGrants },
    ],
  })
  memory.keepAsBeginning()
  return memory
}

const webGrants = {
  grants: ['login', 'refresh_token'],
  audiences: [audience],
  scopes: [],
} as const
const machineGrants = {
  grants: ['client_credentials', 'token_exchange'],
  audiences: [audience],
  scopes: ['read'],
} as const
