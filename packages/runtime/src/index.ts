export { createAllowance } from './allowance.ts'
export type { Allowance, AllowanceOptions } from './allowance.ts'
export { startCertificateReload } from './certificate-reload.ts'
export type { CertificateReload } from './certificate-reload.ts'
export { findClient } from './client-address.ts'
export type { FoundClient } from './client-address.ts'
export { createClientPlaces } from './client-places.ts'
export type { ClientPlace, ClientPlaces } from './client-places.ts'
export { writeDurably } from './durable-file.ts'
export { listen, listenError } from './listen.ts'
export type { ListenAddress } from './listen.ts'
export { logFields } from './log-fields.ts'
export type { LogField } from './log-fields.ts'
export { createLog } from './log.ts'
export type { Log, LogOptions } from './log.ts'
export { createMetrics } from './metrics.ts'
export type {
  AnsweredRequest,
  Exposition,
  Metrics,
  MetricsSnapshot,
  RequestMetrics,
} from './metrics.ts'
export { createMetricsOfWorkers } from './metrics-of-workers.ts'
export type { MetricsOfWorkers } from './metrics-of-workers.ts'
export { createNetworkSet } from './network-set.ts'
export type { HoldsAddress } from './network-set.ts'
export { holdsNul } from './nul.ts'
export { startOperations } from './operations.ts'
export type { Operations, OperationsOptions } from './operations.ts'
export { createProblem, problems } from './problems.ts'
export { exitWith, runUntilStopped } from './process.ts'
export type { Running } from './process.ts'
export { requestIdFrom } from './request-id.ts'
export { exposedFile, readSecret } from './secret.ts'
export type { Environment, ExposedFile, ReadSecret } from './secret.ts'
export { holdsPassword, redactPassword } from './secret-urls.ts'
export {
  parseSettingsText,
  readSettingsFile,
  readSettingsText,
  settingsError,
} from './settings-file.ts'
export type { Mistake } from './settings-file.ts'
export { nearestName } from './nearest-name.ts'
export { checkAgainstSchema, pointerToMember } from './settings-schema.ts'
export type { SchemaCheck } from './settings-schema.ts'
export { serverSpanFacts } from './server-span.ts'
export type { Span, SpanFacts, TracingOptions, TracingSettings } from './span.ts'
export { joinStartErrors, StartError, systemErrorCode } from './start-error.ts'
export { takeSteadySteps } from './steady-step.ts'
export type { Repeat, SteadyStep } from './steady-step.ts'
export { readTlsFiles } from './tls-files.ts'
export type { TlsFiles, TlsPair } from './tls-files.ts'
export { formatTraceparent, parseTraceparent, parseTracestate } from './trace-context.ts'
export type { TraceParent } from './trace-context.ts'
export { startTracing } from './tracing.ts'
export type { Tracing } from './tracing.ts'
export { collectYoungGarbageAlone } from './young-garbage.ts'
