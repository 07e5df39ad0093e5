/**
 * What is thrown when nothing can be signed at the moment: the vault that holds the keys fails, is slow or
 * signs wrongly, or a key was withdrawn and the next one is not at hand yet. Callers are told 503.
 */
export class SignerUnavailableError extends Error {
  override readonly name = 'SignerUnavailableError'
}
