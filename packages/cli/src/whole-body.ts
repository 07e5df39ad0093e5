const bodyBytesMax = 256 * 1024

/** Undefined for one that breaks off, or is longer than any answer of identity. */
export async function wholeBodyOf({ body }: Response): Promise<string | undefined> {
  const decoder = new TextDecoder()
  let text = ''
  let length = 0
  try {
    // Leaving the loop early cancels the stream: the rest is not read.
    for await (const chunk of body ?? []) {
      length += chunk.length
      if (length > bodyBytesMax) return undefined
      text += decoder.decode(chunk, { stream: true })
    }
    return text + decoder.decode()
  } catch {
    return undefined
  }
}
