import type {
  CreateProblem,
  ProblemCode,
  ProblemTable,
  ServerProblemCode,
} from '@portcullis/protocol'
import { problemCreator, serviceProblems } from '@portcullis/protocol'

/** What the issuer and the gateway answer with beside what every service does. */
const serverProblems: ProblemTable<ServerProblemCode> = {
  // requests
  malformed: [400, 'The request is malformed'],
  'ambiguous-target': [400, 'The request target can be read in more than one way'],
  'unknown-audience': [400, 'An audience is not known or not open to this client'],
  'unknown-client': [400, 'The client is not known or may not do this'],
  'token-over-budget': [400, 'The access token would be too large'],
  'unknown-scope': [400, 'A scope is not known or not open to this client'],
  'not-found': [404, 'There is nothing here'],
  'method-not-allowed': [405, 'The method is not allowed here'],
  'request-timeout': [408, 'The request was not complete in time'],
  'too-large': [413, 'The request is too large'],
  'unsupported-media-type': [415, 'The content type is not supported'],
  'expectation-failed': [417, 'The expectation cannot be met'],
  'too-many-requests': [429, 'There are too many requests'],
  'headers-too-large': [431, 'The request headers are too large'],
  // people
  'bad-credentials': [401, 'Identifier or password is wrong'],
  'account-blocked': [403, 'The account is blocked'],
  throttled: [429, 'Too many tries'],
  'last-administrator': [409, 'There would be no administrator left'],
  superseded: [409, 'What this is about has changed meanwhile'],
  'identifier-taken': [409, 'The identifier or name is taken'],
  'registration-closed': [403, 'Accounts are made by an administrator'],
  'unknown-role': [400, 'A role is not known'],
  'no-email': [409, 'The account has no e-mail address'],
  'invalid-link': [400, 'The link is not valid, or not any more'],
  'mail-unavailable': [501, 'This installation sends no mail'],
  'too-early': [409, 'This cannot be done yet'],
  'too-many-streams': [409, 'There are as many streams as there may be'],
  'position-gone': [410, 'The log no longer goes back that far'],
  // operation
  overloaded: [503, 'Too much to do at the moment'],
  'store-unavailable': [503, 'The database does not answer at the moment'],
  'identity-unavailable': [503, 'Nobody can be signed in at the moment'],
  'upstream-unreachable': [502, 'The service behind the gateway cannot be reached'],
  'upstream-timeout': [504, 'The service behind the gateway did not answer in time'],
  internal: [500, 'Something went wrong here'],
}

/** Every problem that Portcullis answers with. */
export const problems: ProblemTable<ProblemCode> = { ...serviceProblems, ...serverProblems }

/** Builds the document of any of them. */
export const createProblem: CreateProblem<ProblemCode> = problemCreator(problems)
