import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Self-signed, for localhost and 127.0.0.1. The keys protect nothing: they are for these tests only. */
export type PairName = 'first' | 'second'

export function certificateOf(name: PairName): Buffer {
  return readFileSync(fixture(`${name}-certificate.pem`))
}

export function keyOf(name: PairName): Buffer {
  return readFileSync(fixture(`${name}-key.pem`))
}

/** Where the files of a listener are, in a folder of the test. */
export interface ListenerFiles {
  readonly certificateFile: string
  readonly keyFile: string
  readonly putCertificate: (name: PairName) => void
  readonly putKey: (name: PairName) => void
}

export function listenerFilesIn(folder: string): ListenerFiles {
  const certificateFile = join(folder, 'certificate.pem')
  const keyFile = join(folder, 'key.pem')
  const files: ListenerFiles = {
    certificateFile,
    keyFile,
    putCertificate: (name) => copyFileSync(fixture(`${name}-certificate.pem`), certificateFile),
    putKey: (name) => copyFileSync(fixture(`${name}-key.pem`), keyFile),
  }
  files.putCertificate('first')
  files.putKey('first')
  return files
}

function fixture(name: string): URL {
  return new URL(`tls/${name}`, import.meta.url)
}
