import type { ServerResponse } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Plugin } from 'graphql-yoga'

/**
 * RFC 9457, with the members that the SDK's problems have, except `code`. Section 4.2.1: the type
 * `about:blank` means what the status means, and the title is its text.
 */
function problemText(status: number, detail: string): string {
  return JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail })
}

const contentType = 'application/problem+json'

export function sendProblem(response: ServerResponse, status: number, detail: string): void {
  response.writeHead(status, { 'content-type': contentType }).end(problemText(status, detail))
}

const details: ReadonlyMap<number, string> = new Map([
  [406, 'the answer can be JSON or an event stream'],
  [413, 'the body is too large'],
  [415, 'the body must be application/json'],
])

/** What Yoga refuses before there is any GraphQL in it is a problem like those of the routes. */
export const answerRefusalsAsProblems: Plugin = {
  onResponse: (answer) => {
    const { status } = answer.response
    const detail = details.get(status)
    if (detail === undefined) return
    const headers = { 'content-type': contentType }
    answer.setResponse(
      new answer.fetchAPI.Response(problemText(status, detail), { status, headers }),
    )
  },
}
