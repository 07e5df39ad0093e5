import { createVerifier } from '@portcullis/verify'
import { audience } from './identity-server.ts'
import { answerQuestions } from './worker.ts'

/** A service that starts: what it takes until it has joined the snapshot of the issuer. */
export interface LoadingQuestion {
  readonly issuer: string
}

export interface LoadingAnswer {
  readonly records: number
  /** From the first request for the metadata to the last record. */
  readonly wallMs: number
  /** Of the whole process: another thread of it unpacks the snapshot. */
  readonly cpuMs: number
  /** Of the table, without what the collector takes away. */
  readonly heldMb: number
}

answerQuestions(async (asked): Promise<LoadingAnswer> => {
  const { issuer } = asked as LoadingQuestion
  collectGarbage()
  const bytesBefore = process.memoryUsage().arrayBuffers
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const verifier = createVerifier({ issuer, audience })
  await verifier.ready()
  const wallMs = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpuBefore)
  const health = verifier.revocation()
  collectGarbage()
  const heldMb = (process.memoryUsage().arrayBuffers - bytesBefore) / 1e6
  await verifier.close()
  const records = health.followed ? health.records : 0
  return { records, wallMs, cpuMs: (user + system) / 1000, heldMb }
})

function collectGarbage(): void {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('start it with --expose-gc')
  gc()
}
