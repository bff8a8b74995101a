import type { ReadBudget } from '@peerbridge/disclosure';
import type { Caller } from '@peerbridge/kernel';

/** What resolvers are given, anew for each request and for each delivery of a subscription: `@Context('caller')`. */
export interface GraphqlContext {
  caller: Caller;
  requestId: string;
  /** What is left to it; subscriptions have one for each delivery. */
  budget?: ReadBudget;
  /** Subscriptions: aborted when nobody listens any more. */
  signal?: AbortSignal;
}
