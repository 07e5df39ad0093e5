/** The path of a route of the issuer, whose identifier may have a path of its own in front. */
export function pathAtIssuer(issuer: string, route: string): string {
  return new URL(`${issuer}${route}`).pathname
}
