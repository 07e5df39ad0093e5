export { expressEvents, fastifyEvents, fetchEvents } from './adapters.ts'
export { createEventReceiver } from './event-receiver.ts'
export type {
  EventAnswer,
  EventDelivery,
  EventReceiver,
  EventReceiverOptions,
  EventTarget,
  JoinedEvent,
  SecurityEvent,
} from './event-receiver.ts'
export type { ToldEvent } from './told-revocation.ts'
