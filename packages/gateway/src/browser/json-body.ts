import { Buffer } from 'node:buffer'
import type { JsonObject } from '@portcullis/protocol'
import { parseJsonObject } from '@portcullis/protocol'
import type { Exchange } from '../exchange/exchange.ts'
import type { Refusal } from '../exchange/refusal.ts'
import { andClose, refuse } from '../exchange/refusal.ts'
import type { Frame } from '../request/frame.ts'

/** As much as identity takes. */
const bodyBytesMax = 16 * 1024

/** No form of a foreign page has this type, and a script that sends it to another origin is asked about first. */
const isJsonType = /^application\/json[ \t]*(?:;|$)/i

/** Reads the body of one of the gateway's own requests, a JSON object. */
export async function readJson(
  { request, response, fields }: Exchange,
  frame: Frame,
): Promise<{ readonly kind: 'json'; readonly value: JsonObject } | Refusal> {
  const type = fields.find(({ name }) => name === 'content-type')?.value ?? ''
  if (!isJsonType.test(type)) return refuse('unsupported-media-type', 'send application/json')
  if ((frame.bodyBytes ?? 0) > bodyBytesMax) return tooLarge
  if (frame.expectsContinue) response.writeContinue()
  const pieces: Buffer[] = []
  let bytes = 0
  try {
    for await (const piece of request.iterator({ destroyOnReturn: false })) {
      bytes += (piece as Buffer).length
      if (bytes > bodyBytesMax) return tooLarge
      pieces.push(piece as Buffer)
    }
  } catch {
    // The client has left, and nobody gets this.
    return andClose(refuse('malformed', 'the body breaks off'))
  }
  const parsed = parseJsonObject(Buffer.concat(pieces).toString(), { depthMax: 4 })
  if (parsed.kind === 'object') return { kind: 'json', value: parsed.value }
  return refuse('malformed', 'the body is not one JSON object')
}

const tooLarge = refuse('too-large', `the body may have ${bodyBytesMax / 1024} KiB`)
