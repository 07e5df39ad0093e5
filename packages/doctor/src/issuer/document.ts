import type { JsonObject } from '@portcullis/protocol'
import { isJsonObject } from '@portcullis/protocol'

/** A JSON document of an issuer, as it was answered. */
export type Document =
  | { readonly kind: 'document'; readonly members: JsonObject; readonly headers: Headers }
  | { readonly kind: 'missing'; readonly status: number }
  | { readonly kind: 'redirect' }
  | { readonly kind: 'unreadable' }
  | { readonly kind: 'unreachable' }

const bytesMax = 1_000_000
const patienceMs = 10_000

/** Asks once, follows no redirect, and reads a megabyte at most. */
export async function fetchDocument(url: string): Promise<Document> {
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(patienceMs),
    })
    if (response.status >= 300 && response.status < 400) return { kind: 'redirect' }
    if (!response.ok) return { kind: 'missing', status: response.status }
    const members = parse(await beginningOf(response))
    return members === undefined
      ? { kind: 'unreadable' }
      : { kind: 'document', members, headers: response.headers }
  } catch {
    return { kind: 'unreachable' }
  }
}

async function beginningOf(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > bytesMax) return ''
    text += decoder.decode(chunk, { stream: true })
  }
  return text
}

function parse(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
