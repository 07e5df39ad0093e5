/** Why a recipe cannot be executed: the key that it needs is not there. */
export class CannotForge extends Error {
  override readonly name = 'CannotForge'
}
