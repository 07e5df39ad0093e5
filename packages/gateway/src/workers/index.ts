export { startGatewayWorkers } from './primary.ts'
export type { GatewayWorkers, GatewayWorkersOptions } from './primary.ts'
