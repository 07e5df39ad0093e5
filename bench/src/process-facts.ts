import { readdirSync, readFileSync } from 'node:fs'
import process from 'node:process'

/** Linux tells what another process has used, to the nanosecond; elsewhere nobody tells as well. */
export const canLookIntoProcesses: boolean = process.platform === 'linux'

/** CPU time of all threads of a process, in microseconds. */
function cpuUsOf(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  if (threads.length === 0) throw new Error('a process has no threads')
  const nanoseconds = threads.map((thread) => {
    const [onCpu = ''] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')
    return Number(onCpu)
  })
  return nanoseconds.reduce((sum, one) => sum + one, 0) / 1000
}

/** The same of a process and its children, as long as they live. */
export function cpuUsOfFamily(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')
  const family = [pid, ...children.filter((child) => child !== '').map(Number)]
  return family.reduce((sum, one) => sum + cpuUsOf(one), 0)
}

/** What of it is in memory, in megabytes of 10⁶ bytes. */
export function residentMbOf(pid: number): number {
  const [, kibibytes] =
    /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  if (kibibytes === undefined) throw new Error('a process does not say what memory it has')
  return (Number(kibibytes) * 1024) / 1e6
}
