import { existsSync } from 'node:fs'
import { CommandError } from './command-error.ts'
import type { FileClient } from './credentials-file.ts'
import { StartError } from '@portcullis/runtime'
import type { PrivateFile } from './private-file.ts'
import { reservePrivateFile, writePrivateFile } from './private-file.ts'

/** Id and secret of a client, as services read them; nobody else can (0600). */
export function writeClientFile(path: string, client: FileClient): PrivateFile {
  return writePrivateFile(path, textOf(client))
}

function textOf(client: FileClient): string {
  return JSON.stringify(client, undefined, 2)
}

/** Where the secret of a client will be, which another makes. */
export interface ClientPlace {
  readonly keep: (client: FileClient) => void
  readonly release: () => void
}

/** More than a file of a client has. */
const placeBytes = 16_384

/** Before anything is made: a secret that cannot be written is lost, and the one before may be good for nothing by then. */
export function placeForClient(path: string): ClientPlace {
  refuseExisting(path)
  const { write, release } = reservePrivateFile(path, placeBytes)
  return {
    keep: (client) => {
      try {
        write(textOf(client))
      } catch (error) {
        if (!(error instanceof StartError)) throw error
        throw new CommandError(
          1,
          `the client has its secret, which could not be written to a file and is nowhere: ${error.message}`,
          'Give it another one, with: clients rotate-secret NAME --write-to FILE.',
        )
      }
    },
    release,
  }
}

export function refuseExisting(path: string): void {
  if (!existsSync(path)) return
  const remedy = 'Name another file; this one may hold the only copy.'
  throw new CommandError(1, `${path} is there already`, remedy)
}
