import type { JsonObject, JsonValue, RevocationPosition } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'
import { parseList, parseText, parseTime, present } from '../answer-members.ts'
import { requireMembers } from '../closed-options.ts'
import { parseRevocationPosition } from '../revocation-position.ts'
import type { AskAdmin, Reason } from './requests.ts'
import { pathOf, readAnswer, reasonIn } from './requests.ts'

/** A key that tokens or checkpoints are signed with; never its private half. */
export interface KeyInfo {
  readonly kid: string
  /** `access-token` or `feed`. */
  readonly purpose: string
  readonly algorithm: string
  /** `pending`, `active`, `retiring`, `destroyed` or `withdrawn`. */
  readonly state: string
  /** None for a secret that HS256 signs with, which is not kept by the issuer. */
  readonly createdAt?: Date
  readonly activatedAt?: Date
  readonly retiredAt?: Date
  readonly destroyedAt?: Date
  readonly withdrawnAt?: Date
  /** Of a pending key: from then on a rotation may let it sign. */
  readonly maySignAt?: Date
  /** Of an active key: when the next one follows it by itself. */
  readonly rotatesAt?: Date
  /** Of a retiring key: when it is destroyed. */
  readonly keptUntil?: Date
}

export interface KeyRotation {
  /** Default `access-token`. */
  readonly purpose?: string
  /** Default every algorithm that has keys. */
  readonly algorithm?: string
  readonly reason?: string
}

export interface KeyAdministration {
  readonly list: () => Promise<readonly KeyInfo[]>
  /** Signs with the waiting keys from now on. Answers the keys as they are then. */
  readonly rotate: (rotation?: KeyRotation) => Promise<readonly KeyInfo[]>
  /** Makes everything worthless that a key has signed or ever will. Asked again it changes nothing. */
  readonly withdraw: (kid: string, decision: Reason) => Promise<WithdrawnKeys>
}

export interface WithdrawnKeys {
  /** As they are then. */
  readonly keys: readonly KeyInfo[]
  /** None for a key of the feed, and for one that was gone before. */
  readonly revocation?: RevocationPosition
}

const base = '/admin/keys'

export function administerKeys(ask: AskAdmin): KeyAdministration {
  return Object.freeze({
    list: async () => readAnswer(await ask({ method: 'GET', path: base }), parseKeys),
    rotate: async (rotation = {}) => {
      requireMembers(rotation, 'the rotation', ['purpose', 'algorithm', 'reason'])
      const answer = await ask({ method: 'POST', path: `${base}/rotate`, json: { ...rotation } })
      return readAnswer(answer, parseKeys)
    },
    withdraw: async (kid, decision) => {
      const path = pathOf(base, kid, '/withdraw')
      const answer = await ask({ method: 'POST', path, json: reasonIn(decision) })
      const keys = readAnswer(answer, parseKeys)
      return { keys, ...present({ revocation: parseRevocationPosition(answer) }) }
    },
  } satisfies KeyAdministration)
}

function parseKeys(body: JsonObject): readonly KeyInfo[] | undefined {
  return parseList(body['keys'], parseKey)
}

function parseKey(value: JsonValue): KeyInfo | undefined {
  if (!isJsonObject(value)) return undefined
  const [kid, state] = [parseText(value['kid']), parseText(value['state'])]
  const [purpose, algorithm] = [parseText(value['purpose']), parseText(value['algorithm'])]
  if (kid === undefined || state === undefined) return undefined
  if (purpose === undefined || algorithm === undefined) return undefined
  return {
    kid,
    purpose,
    algorithm,
    state,
    ...present({
      createdAt: parseTime(value['created_at']),
      activatedAt: parseTime(value['activated_at']),
      retiredAt: parseTime(value['retired_at']),
      destroyedAt: parseTime(value['destroyed_at']),
      withdrawnAt: parseTime(value['withdrawn_at']),
      maySignAt: parseTime(value['may_sign_at']),
      rotatesAt: parseTime(value['rotates_at']),
      keptUntil: parseTime(value['kept_until']),
    }),
  }
}
