import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import { StartError, systemErrorCode } from './start-error.ts'

export interface TlsFiles {
  /** PEM: the certificate of the listener, then those of its issuers. */
  readonly certificateFile: string
  /** PEM, not encrypted. */
  readonly keyFile: string
}

/** A certificate and the key that belongs to it, as `node:tls` takes them. */
export interface TlsPair {
  readonly cert: Buffer
  readonly key: Buffer
  readonly validUntil: Date
}

/**
 * Reads a certificate and its key. A file that is missing or bad, or two that do not belong together,
 * are a `StartError` that says which. Does NOT ask whose name stands in it, nor whether it is still valid:
 * whoever connects judges that.
 */
export async function readTlsFiles({ certificateFile, keyFile }: TlsFiles): Promise<TlsPair> {
  const cert = await read('certificate', certificateFile)
  const key = await read('key', keyFile)
  const certificate = parse(
    () => new X509Certificate(cert),
    `the certificate file ${certificateFile} holds no certificate in PEM`,
  )
  const privateKey = parse(
    () => createPrivateKey(key),
    `the key file ${keyFile} holds no private key in PEM, or one that is encrypted`,
  )
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new StartError(
      `the key in ${keyFile} does not belong to the certificate in ${certificateFile}`,
      remedy,
    )
  }
  parse(
    () => createSecureContext({ cert, key }),
    `the certificates in ${certificateFile} cannot be used for TLS`,
  )
  return { cert, key, validUntil: certificate.validToDate }
}

const remedy = 'Put the certificate with its chain and its key, both in PEM, into these two files.'

async function read(name: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new StartError(
      `the ${name} file ${path} cannot be read (${systemErrorCode(error) ?? 'error'})`,
      `Create it, or correct the path or its permissions. It was looked for at ${resolve(path)}.`,
      { cause: error },
    )
  }
}

/** Without the cause: what a parser says of a key may quote it. */
function parse<Parsed>(parser: () => Parsed, fault: string): Parsed {
  try {
    return parser()
  } catch {
    throw new StartError(fault, remedy)
  }
}
