import type { Type } from '@nestjs/common';
import type { AnyNodeType, NodeLookUp } from '@peerbridge/graphql';
import type { StreamDefinition } from '@peerbridge/kernel';
import type { AnyProjection } from '@peerbridge/projection';

/** What a folder of `libs/care` gives to the applications: everything they need to know of it. */
export interface Capability {
  readonly name: string;
  /** Its streams, and with them its event types. */
  readonly streams: readonly StreamDefinition<unknown>[];
  readonly projections: readonly AnyProjection[];
  /** The kinds of nodes it brings to the schema. */
  readonly nodeTypes: readonly AnyNodeType[];
  readonly lookUps: readonly NodeLookUp[];
  /** The Nest module with its resolvers. */
  readonly module: Type;
}

/** Takes a capability's parts as they are typed where they are made; the list of all knows only that they are some. */
export const capability = (parts: {
  name: string;
  streams?: readonly object[];
  projections?: readonly object[];
  nodeTypes?: readonly object[];
  lookUps?: readonly NodeLookUp[];
  module: Type;
}): Capability => ({ streams: [], projections: [], nodeTypes: [], lookUps: [], ...parts }) as unknown as Capability;
