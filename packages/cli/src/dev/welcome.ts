import process from 'node:process'
import type { Endpoints } from './configuration.ts'
import type { DataFolder } from './folder-paths.ts'

/**
 * What a person sees first. The three lines need nothing but a shell, curl and sed, and keep the
 * token in a file that only its owner can read: a command line is visible to everyone on the machine.
 */
export function welcome(endpoints: Endpoints, folder: DataFolder): string {
  const { path } = folder
  const header = `${path}/alice.header`
  const json = "-H 'content-type: application/json'"
  const keepToken = `sed 's/.*"access_token":"\\([^"]*\\)".*/authorization: Bearer \\1/'`
  return `
Portcullis is ready.

  identity    ${endpoints.identity}
  gateway     ${endpoints.gateway}
  orders      ${endpoints.orders}
  reviews     ${endpoints.reviews}/reviews/graphql
  operations  ${endpoints.operations}/health/ready

Accounts alice (customer) and admin, and a machine client: ${path}/credentials.json

Sign in as alice, order something through the gateway, and list your orders:

(umask 077; curl -fsS ${endpoints.identity}/login ${json} -d @${path}/login-alice.json | ${keepToken} > ${header})
curl -sS ${endpoints.gateway}/orders -H @${header} ${json} -d '{"item":"lamp","quantity":1}'
curl -sS ${endpoints.gateway}/orders -H @${header}

Logs are in ${path}/logs. Ctrl-C, or kill ${process.pid}, stops everything. To start over, stop it and delete ${path}.
`
}
