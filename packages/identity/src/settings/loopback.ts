import { canonicalAddress } from '@portcullis/runtime/networks'

/** By its text alone: no name but this one is known to stay on the machine. Takes brackets as they are in a URL. */
export function isLoopback(host: string): boolean {
  const address = canonicalAddress(host.replaceAll(/[[\]]/g, ''))
  return host === 'localhost' || address === '::1' || address?.startsWith('127.') === true
}
