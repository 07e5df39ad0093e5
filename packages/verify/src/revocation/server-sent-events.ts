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
 * passed over. Those that end with a chunk come together: a stream may be nothing but short lines, so none of
 * them may cost more than a look. Ends with the stream, and throws an EventTooLong.
 */
export async function* readEvents(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<readonly ServerSentEvent[]> {
  const lines = createLines()
  let name = ''
  let data: string[] = []
  let length = 0
  for await (const chunk of body) {
    const events: ServerSentEvent[] = []
    for (const line of lines.of(chunk)) {
      length += line.length
      if (length > eventCharactersMax) throw new EventTooLong()
      if (line === '') {
        if (data.length > 0) {
          events.push({ name: name === '' ? 'message' : name, data: data.join('\n') })
        }
        name = ''
        data = []
        length = 0
        continue
      }
      const [field, value] = fieldOf(line)
      if (field === 'event') name = value
      if (field === 'data') data.push(value)
    }
    if (events.length > 0) yield events
  }
}

/** One space behind the colon belongs to the colon. */
function fieldOf(line: string): readonly [string, string] {
  const colon = line.indexOf(':')
  if (colon === -1) return [line, '']
  const start = line[colon + 1] === ' ' ? colon + 2 : colon + 1
  return [line.slice(0, colon), line.slice(start)]
}

interface Lines {
  /** Those that end with this chunk, or in it. */
  readonly of: (chunk: Uint8Array) => readonly string[]
}

/** Lines end with CR, LF or both, also where the two come in different chunks. */
function createLines(): Lines {
  const decoder = new TextDecoder()
  let pending: string[] = []
  let pendingLength = 0
  let endedWithReturn = false
  return {
    of: (chunk) => {
      let text = decoder.decode(chunk, { stream: true })
      if (text === '') return []
      if (endedWithReturn && text.startsWith('\n')) text = text.slice(1)
      endedWithReturn = text.endsWith('\r')
      const [first = '', ...lines] = text.split(/\r\n|\r|\n/)
      pending.push(first)
      pendingLength += first.length
      if (pendingLength > eventCharactersMax) throw new EventTooLong()
      const last = lines.pop()
      if (last === undefined) return []
      lines.unshift(pending.join(''))
      pending = [last]
      pendingLength = last.length
      return lines
    },
  }
}
