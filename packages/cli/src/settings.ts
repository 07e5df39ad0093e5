import type { Environment } from '@portcullis/runtime'
import { StartError } from '@portcullis/runtime'

/** The one place of the command line that looks at the environment. */
export function environment(): Environment {
  return process.env
}

const defaultPortBase = 4000
/** The last of the five ports must exist as well. */
const portBaseMax = 65_535 - 4

/** `PORTCULLIS_PORT_BASE`: the first of five ports in a row, or 0 for any free ones. */
export function readPortBase(variables: Environment): number {
  const text = variables['PORTCULLIS_PORT_BASE']
  if (text === undefined || text === '') return defaultPortBase
  const base = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (base >= 0 && base <= portBaseMax) return base
  throw new StartError(
    `PORTCULLIS_PORT_BASE is ${JSON.stringify(text)}, which is not a number from 0 to ${portBaseMax}`,
    'Set it to the first of five free ports, or to 0 for any free ports.',
  )
}
