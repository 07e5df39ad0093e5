/**
 * Runs another module as a part of a development system: `child-entry MODULE ARGUMENTS…`. When the
 * supervisor goes, however it goes, the channel to it closes and the part stops as well, so that no
 * orphan keeps a port. The parts themselves know nothing of this.
 */
const [node = '', , module = '', ...rest] = process.argv
process.argv = [node, module, ...rest]
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'))
await import(module)
