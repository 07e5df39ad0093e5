export { createProofJudge } from './proof-judge.ts'
export type {
  ExaminedProof,
  JudgedProof,
  KeyProofJudge,
  NonceWanted,
  ProofJudge,
  RefusedProof,
} from './proof-judge.ts'
export type { PresentedProof, PresentedRequestProof, ProvenToken } from './proof-claims.ts'
export type { ProofFault } from './proof-fault.ts'
export type { ProofJudgeOptions } from './proof-options.ts'
export { createReplayMemory } from './replays.ts'
export type { ReplayMemoryOptions, ReplayStore } from './replays.ts'
