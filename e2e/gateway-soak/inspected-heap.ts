import { once } from 'node:events'

/** The heap of another process, by the protocol of its inspector. */
export interface InspectedHeap {
  /** What is left after a collection of garbage, with the octets of buffers. */
  readonly bytesInUse: () => Promise<number>
  readonly close: () => void
}

interface HeapUsage {
  readonly usedSize: number
  readonly backingStorageSize?: number
}

export async function inspectHeap(address: string): Promise<InspectedHeap> {
  const socket = new WebSocket(address)
  await once(socket, 'open')
  const waiting = new Map<number, (result: unknown) => void>()
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id: number; result: unknown }
    waiting.get(id)?.(result)
    waiting.delete(id)
  })
  let asked = 0
  const ask = (method: string): Promise<unknown> => {
    asked += 1
    const { promise, resolve } = Promise.withResolvers<unknown>()
    waiting.set(asked, resolve)
    socket.send(JSON.stringify({ id: asked, method }))
    return promise
  }
  return {
    bytesInUse: async () => {
      await ask('HeapProfiler.collectGarbage')
      await ask('HeapProfiler.collectGarbage')
      const { usedSize, backingStorageSize = 0 } = (await ask('Runtime.getHeapUsage')) as HeapUsage
      return usedSize + backingStorageSize
    },
    close: () => socket.close(),
  }
}
