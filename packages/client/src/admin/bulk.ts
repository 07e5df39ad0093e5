import type { JsonObject, JsonValue, RevocationPosition } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { parseList, parseText, present } from '../answer-members.ts'
import type { FieldFault } from '../issuer-request.ts'
import { parsePosition } from '../revocation-position.ts'
import type { Reason } from './requests.ts'

export interface BulkDecision extends Reason {
  /** Up to 10,000; one that comes twice counts once. */
  readonly ids: readonly string[]
}

export interface BulkResult {
  readonly results: readonly {
    readonly id: string
    /** `last-administrator`: left as it is, because nobody would be left who could unblock anybody. */
    readonly outcome: 'ended' | 'blocked' | 'unknown' | 'last-administrator'
  }[]
  /** Covers all of them. */
  readonly revocation: RevocationPosition
}

export interface AccountImport {
  /** `{identifier, password_hash, …}`, as the issuer reads them. */
  readonly accounts: readonly object[]
  readonly isDryRun?: boolean
  readonly reason?: string
}

export interface ImportResult {
  readonly outcome: 'created' | 'importable' | 'exists' | 'mistaken'
  readonly id?: string
  /** Normalised. */
  readonly identifier?: string
  /** Of one that is mistaken. */
  readonly faults: readonly FieldFault[]
}

const bulkOutcomes = ['ended', 'blocked', 'unknown', 'last-administrator'] as const
const importOutcomes = ['created', 'importable', 'exists', 'mistaken'] as const

export function parseBulkResult(body: JsonObject): BulkResult | undefined {
  const revocation = parsePosition(body['revocation'])
  const results = parseList(body['results'], (value) => {
    const members = isJsonObject(value) ? value : {}
    const id = parseText(members['id'])
    const outcome = bulkOutcomes.find((name) => name === members['outcome'])
    return id === undefined || outcome === undefined ? undefined : { id, outcome }
  })
  return results && revocation && { results, revocation }
}

/** One for each, in their order. */
export function parseImportResults(
  count: number,
): (body: JsonObject) => readonly ImportResult[] | undefined {
  return (body) => {
    const results = parseList(body['results'], parseImportResult)
    return results?.length === count ? results : undefined
  }
}

function parseImportResult(value: JsonValue): ImportResult | undefined {
  const members = isJsonObject(value) ? value : {}
  const outcome = importOutcomes.find((name) => name === members['outcome'])
  if (outcome === undefined) return undefined
  const [id, identifier] = [parseText(members['id']), parseText(members['identifier'])]
  return { outcome, ...present({ id, identifier }), faults: faultsIn(members['errors']) }
}

function faultsIn(value: JsonValue | undefined): readonly FieldFault[] {
  const faults = parseList(value, (one) => {
    const { field, message } = isJsonObject(one) ? one : {}
    return typeof field === 'string' && typeof message === 'string' ? { field, message } : undefined
  })
  return faults ?? []
}
