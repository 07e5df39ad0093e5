import { randomUUID } from 'node:crypto'
import type { InertRequest } from './inert-requests.ts'
import { alice } from './running-identity.ts'

const password = `wrong ${randomUUID()}`
const identifier = 'nobody'
const page = { answers: 'page' } as const
/** Sent by a page of the issuer, as browsers say. */
const sent = { ...page, headers: { 'sec-fetch-site': 'same-origin' } } as const
const purpose = { return_to: '/console/', client_id: 'web' }
const notice = 'signed-out'

/** Of those who are not signed in, which are sent to the sign-in. */
const elsewhere = { ...page, status: 303 } as const
const sentElsewhere = { ...sent, status: 303 } as const

/** Of our own pages: see `InertRequest`. */
export const inertPageRequests: readonly InertRequest[] = [
  { route: 'GET /sign-in', query: { ...purpose, notice }, status: 200, ...page },
  { route: 'POST /sign-in', form: { identifier, password, ...purpose }, status: 401, ...sent },
  { route: 'GET /sign-up', query: { ...purpose, notice }, status: 200, ...page },
  {
    route: 'POST /sign-up',
    form: { identifier: alice.identifier, password, email: 'nobody@mail.example', ...purpose },
    status: 409,
    ...sent,
  },
  { route: 'GET /forgot-password', status: 200, ...page },
  { route: 'POST /forgot-password', form: { identifier }, ...sentElsewhere },
  { route: 'POST /sign-out', form: { return_to: '/console/' }, ...sentElsewhere },
  { route: 'POST /sign-out/everywhere', form: { unknown: 'field' }, ...sentElsewhere },
  { route: 'GET /my-account', query: { notice }, ...elsewhere },
  { route: 'GET /.well-known/change-password', ...elsewhere },
  { route: 'GET /my-account/password', ...elsewhere },
  {
    route: 'POST /my-account/password',
    form: { current: password, new: password },
    ...sentElsewhere,
  },
  {
    route: 'GET /my-account/sessions',
    query: { after: `1.${'A'.repeat(22)}`, notice },
    ...elsewhere,
  },
  { route: 'POST /my-account/sessions/end', form: { sid: 'A'.repeat(22) }, ...sentElsewhere },
  { route: 'POST /my-account/sessions/end-others', form: { unknown: 'field' }, ...sentElsewhere },
]
