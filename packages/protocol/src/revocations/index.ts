export { chainAfter, firstChain, nextChain } from './chain.ts'
export type { Chain } from './chain.ts'
export {
  checkpointType,
  parseCheckpoint,
  parseSnapshotManifest,
  snapshotType,
  unverifiedCheckpoint,
} from './checkpoint.ts'
export type { Checkpoint, SnapshotManifest } from './checkpoint.ts'
export { formatFrame, frameEvent, parseFrame } from './frame.ts'
export type { Frame } from './frame.ts'
export { formatPosition, parsePosition } from './position.ts'
export type { RevocationPosition } from './position.ts'
export { isRefusalReason } from './refusal-reason.ts'
export type { RefusalReason } from './refusal-reason.ts'
export {
  countKinds,
  decodeRecords,
  encodeRecord,
  encodeRecords,
  fingerprintOf,
  fingerprintOfWords,
  fingerprintWords,
  isRevocationKind,
  recordBytes,
  visitRecords,
} from './record.ts'
export type {
  Fingerprint,
  FingerprintWords,
  RecordVisitor,
  RevocationKind,
  RevocationRecord,
} from './record.ts'
