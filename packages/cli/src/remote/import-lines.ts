/** One line of a file that is being read; `bytes` is undefined when there were more of them than fit. */
export interface FileLine {
  /** Counted from 1. */
  readonly number: number
  readonly bytes: Uint8Array | undefined
}

const lineFeed = 0x0a

/**
 * Lines of a stream, without their line feed, one at a time. Of a line that is too long nothing is kept, so
 * that memory does not depend on what somebody puts into a file.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  bytesMax: number,
): AsyncGenerator<FileLine> {
  let number = 1
  let parts: Uint8Array[] = []
  let bytes = 0
  const add = (part: Uint8Array): void => {
    bytes += part.length
    if (bytes <= bytesMax) parts.push(part)
    else parts = []
  }
  const take = (): FileLine => {
    const line = { number, bytes: bytes <= bytesMax ? Buffer.concat(parts) : undefined }
    number += 1
    parts = []
    bytes = 0
    return line
  }
  for await (const chunk of chunks) {
    let from = 0
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, from)) {
      add(chunk.subarray(from, end))
      yield take()
      from = end + 1
    }
    if (from < chunk.length) add(chunk.subarray(from))
  }
  if (bytes > 0) yield take()
}
