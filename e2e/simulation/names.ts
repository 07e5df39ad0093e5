/** The issuer of this world, and whom it knows. */
export const issuer = 'https://id.example'
export const audience = 'orders'
export const people = ['alice', 'bob', 'carol'] as const
/** A service that asks for tokens of its own, and exchanges those of others. */
export const machine = 'service'
