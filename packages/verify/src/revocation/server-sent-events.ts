export class EventTooLong extends Error {
  override readonly name = 'EventTooLong'
}

export interface ServerSentEvent {
  readonly name: string
  readonly data: string
}

/** Twenty thousand revocations at once would fit; what is longer is taken as a snapshot, in slices. */
const eventCharactersMax = 1024 * 1024

/**
 * Reads an event stream (WHATWG HTML section 9.2.6). Comments, ids and fields that are not known are
 * passed over. Ends with the stream, and throws an EventTooLong.
 */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<ServerSentEvent> {
  let name = ''
  let data: string[] = []
  let length = 0
  for await (const line of readLines(body)) {
    length += line.length
    if (length > eventCharactersMax) throw new EventTooLong()
    if (line === '') {
      if (data.length > 0) yield { name: name === '' ? 'message' : name, data: data.join('\n') }
      name = ''
      data = []
      length = 0
      continue
    }
    const [field, value] = fieldOf(line)
    if (field === 'event') name = value
    if (field === 'data') data.push(value)
  }
}

/** One space behind the colon belongs to the colon. */
function fieldOf(line: string): readonly [string, string] {
  const colon = line.indexOf(':')
  if (colon === -1) return [line, '']
  const start = line[colon + 1] === ' ' ? colon + 2 : colon + 1
  return [line.slice(0, colon), line.slice(start)]
}

/** Lines end with CR, LF or both, also where the two come in different chunks. */
async function* readLines(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let pending: string[] = []
  let pendingLength = 0
  let endedWithReturn = false
  for await (const chunk of body) {
    let text = decoder.decode(chunk, { stream: true })
    if (text === '') continue
    if (endedWithReturn && text.startsWith('\n')) text = text.slice(1)
    endedWithReturn = text.endsWith('\r')
    const [first = '', ...rest] = text.split(/\r\n|\r|\n/)
    pending.push(first)
    pendingLength += first.length
    if (pendingLength > eventCharactersMax) throw new EventTooLong()
    for (const line of rest) {
      yield pending.join('')
      pending = [line]
      pendingLength = line.length
    }
  }
}
