import { checkAgainstSchema, readSettingsFile, settingsError } from '@portcullis/runtime'
import type { ClientCredential } from '@portcullis/verify'
import type { FromSchema } from 'json-schema-to-ts'

const textSchema = { type: 'string', minLength: 1 } as const

/** Other members, such as the scope, are for whoever made the file. */
const clientFileSchema = {
  type: 'object',
  required: ['client_id', 'client_secret'],
  properties: { client_id: textSchema, client_secret: textSchema },
} as const

/** Reads the gateway's own credential. Throws a `StartError` that repeats nothing of it. */
export function readClientFile(path: string): ClientCredential {
  const checked = checkAgainstSchema<FromSchema<typeof clientFileSchema>>(
    clientFileSchema,
    readSettingsFile(path, 'the file of the member clientFile,'),
  )
  if (checked.kind === 'mistaken') throw settingsError(path, checked.mistakes)
  const { client_id: id, client_secret: secret } = checked.value
  return { id, secret }
}
