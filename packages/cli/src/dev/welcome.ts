import process from 'node:process'
import type { Endpoints } from './configuration.ts'
import { hasExamples } from './examples.ts'
import type { DataFolder } from './folder-paths.ts'
import { logFileOf } from './folder-paths.ts'

/**
 * What a person sees first. The lines to paste need nothing but a shell, curl and sed, and keep the
 * token in a file that only its owner can read: a command line is visible to everyone on the machine.
 */
export function welcome(endpoints: Endpoints, folder: DataFolder): string {
  const { path } = folder
  const header = `${path}/alice.header`
  const json = "-H 'content-type: application/json'"
  const keepToken = `sed 's/.*"access_token":"\\([^"]*\\)".*/authorization: Bearer \\1/'`
  const order = `curl -sS ${endpoints.gateway}/orders -H @${header} ${json} -d '{"item":"lamp","quantity":1}'`
  const signIn = `(umask 077; curl -fsS ${endpoints.identity}/login ${json} -d @${path}/login-alice.json | ${keepToken} > ${header})`
  const list = `curl -sS ${endpoints.gateway}/orders -H @${header}`
  const { services, lines } = hasExamples()
    ? { services: exampleServices(endpoints), lines: [whatToTry, '', signIn, order, list] }
    : { services: [], lines: [...whereToPut(endpoints), '', signIn, list] }
  const addresses = [
    `identity    ${endpoints.identity}`,
    `gateway     ${endpoints.gateway}`,
    ...services,
    `console     ${endpoints.identity}/console/ (as admin)`,
    `operations  ${endpoints.operations}/health/ready`,
    `            ${endpoints.gatewayOperations}/health/ready (the gateway)`,
  ]
  return `
Portcullis is ready.

${addresses.map((address) => `  ${address}`).join('\n')}

Accounts alice (customer) and admin, and a machine client: ${path}/credentials.json

${lines.join('\n')}

Logs are in ${path}/logs, and mail is shown in ${logFileOf(folder, 'identity')}. Ctrl-C, or kill ${process.pid}, stops everything. To start over, stop it and delete ${path}.
`
}

const whatToTry = 'Sign in as alice, order something through the gateway, and list your orders:'

function exampleServices({ orders, reviews }: Endpoints): readonly string[] {
  return [`orders      ${orders}`, `reviews     ${reviews}/reviews/graphql`]
}

/** An installation has no example services: the ports of those are for services of one's own. */
function whereToPut({ orders, reviews }: Endpoints): readonly string[] {
  const [first, second] = [orders, reviews].map((url) => new URL(url).port)
  return [
    `The gateway forwards /orders to a service of yours on port ${first}, which is the audience orders,`,
    `and /reviews to one on port ${second}, which is reviews. Sign in as alice, and ask the first:`,
  ]
}
