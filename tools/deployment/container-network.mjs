import dns from 'node:dns'
import net from 'node:net'
import process from 'node:process'

/**
 * Loaded before the program of a container that runs without an engine: its loopback, and all its addresses, are one
 * address of its own on this machine's loopback, and the names of other containers are known.
 */
const { address, names } = JSON.parse(process.env['CONTAINER_NETWORK'] ?? '{}')
const own = new Set(['0.0.0.0', '127.0.0.1', 'localhost'])

const { listen } = net.Server.prototype
net.Server.prototype.listen = function (...given) {
  const [first, second, ...rest] = given
  if (typeof first === 'object' && first !== null && own.has(first.host)) {
    return listen.call(this, { ...first, host: address }, second, ...rest)
  }
  return own.has(second) ? listen.call(this, first, address, ...rest) : listen.apply(this, given)
}

const { lookup } = dns
dns.lookup = function (name, options, callback) {
  const known = name === 'localhost' ? [address] : names[name]
  if (known === undefined) return lookup.call(this, name, options, callback)
  const answer = callback ?? options
  const found = known.map((each) => ({ address: each, family: 4 }))
  if (options?.all === true) process.nextTick(answer, null, found)
  else process.nextTick(answer, null, found[0].address, 4)
  return {}
}
