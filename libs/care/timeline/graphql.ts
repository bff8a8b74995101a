import { Inject } from '@nestjs/common';
import {
  Args, Field, ID, Info, InputType, InterfaceType, ObjectType, Parent, ResolveField, Resolver, Subscription,
} from '@nestjs/graphql';
import type { GraphQLResolveInfo } from 'graphql';
import {
  SharedView, type PersonAccess, type TimelineFilter as Filter, type TimelineLine, type ViewSession,
} from '@peerbridge/disclosure';
import {
  connectionType, Context, DateTimeScalar, Forward, Node, NodeId, NodeTypes, pageOf, presentWorker, SegmentEnum, toConnection,
  Worker, type Connection, type Presented, type RequestContext,
} from '@peerbridge/graphql';
import { instant, invalid, storable, type Role, type Segment } from '@peerbridge/kernel';
import { Participant } from '../participant/index.js';
import { Deliveries } from './deliveries.js';

@InterfaceType('TimelineEntry', {
  resolveType: (value: Presented) => value.__typename,
  description: 'One event of a person\'s story.',
})
export abstract class TimelineEntry {
  @Field(() => ID)
  id!: string;

  @Field({ description: 'Where it lies in the log: what a subscription that was interrupted goes on after.' })
  position!: string;

  @Field({ description: 'The event: PeerContactLogged, ReferralAccepted, …' })
  type!: string;

  @Field(() => DateTimeScalar)
  occurredAt!: string;

  @Field(() => DateTimeScalar)
  recordedAt!: string;

  @Field(() => [SegmentEnum])
  segments!: readonly Segment[];

  @Field(() => Worker, { nullable: true })
  actor!: Worker | null;

  @Field(() => Node, { nullable: true })
  node!: Presented | null;
}

@ObjectType({ implements: () => [TimelineEntry] })
export class TimelineEvent extends TimelineEntry {
  readonly __typename = 'TimelineEvent';
  session!: ViewSession;
  access!: PersonAccess;
  by!: { memberId: string; role: Role; orgId: string };
  nodeId!: string;
}

function presentEntry(row: TimelineLine, access: PersonAccess, session: ViewSession): TimelineEvent {
  return Object.assign(new TimelineEvent(), {
    id: row.event_id, position: row.position, type: row.type, occurredAt: row.occurred_at, recordedAt: row.recorded_at,
    segments: row.segments,
    by: { memberId: row.actor_id, role: row.actor_role, orgId: row.actor_org_id }, nodeId: row.node_id, access, session,
  });
}

const TimelineConnection = connectionType<TimelineEvent>('Timeline', () => TimelineEntry as never);

@InputType({ description: 'Of occurredAt: from inclusive, to exclusive.' })
export class TimelineFilter {
  @Field(() => [String], { nullable: true })
  types?: string[] | null;

  @Field(() => [SegmentEnum], { nullable: true })
  segments?: Segment[] | null;

  @Field(() => DateTimeScalar, { nullable: true })
  from?: string | null;

  @Field(() => DateTimeScalar, { nullable: true })
  to?: string | null;
}

/** @throws DomainError VALIDATION where a time is malformed, or a type is text that is nowhere stored */
function checked(filter: TimelineFilter | null | undefined): Filter {
  const time = (name: 'from' | 'to'): string | undefined => {
    const given = filter?.[name];
    if (given === undefined || given === null) return undefined;
    const parsed = instant.safeParse(given);
    if (!parsed.success) throw invalid(`filter.${name} is not a time.`, `filter.${name}`);
    return parsed.data;
  };
  if (filter?.types?.some((type) => !storable.safeParse(type).success)) {
    throw invalid('filter.types names no type.', 'filter.types');
  }
  return { types: filter?.types ?? undefined, segments: filter?.segments ?? undefined, from: time('from'), to: time('to') };
}

@Resolver(() => Participant)
export class ParticipantTimelineResolver {
  @ResolveField(() => TimelineConnection, { description: 'Newest occurrence first.' })
  async timeline(
    @Parent() { access, session }: Participant, @Info() info: GraphQLResolveInfo, @Args() forward: Forward,
    @Args('filter', { type: () => TimelineFilter, nullable: true }) filter?: TimelineFilter | null,
  ): Promise<Connection<TimelineEvent>> {
    const page = await session.timeline(access, pageOf(forward, info), checked(filter));
    return toConnection(page, forward, (row) => presentEntry(row, access, session));
  }
}

@Resolver(() => TimelineEvent)
export class TimelineResolver {
  constructor(
    @Inject(NodeTypes) private readonly nodes: NodeTypes, @Inject(Deliveries) private readonly deliveries: Deliveries,
    @Inject(SharedView) private readonly view: SharedView,
  ) {}

  @ResolveField(() => String)
  position(@Parent() { position }: TimelineEvent): string {
    return this.view.options.places.position(position);
  }

  @ResolveField(() => Worker, { nullable: true })
  actor(@Parent() { by, access, session }: TimelineEvent): Worker | null {
    return presentWorker(session, access, by);
  }

  @ResolveField(() => Node, { nullable: true })
  node(@Parent() { nodeId, session }: TimelineEvent): Promise<Presented | null> {
    return this.nodes.find(session, nodeId);
  }

  @Subscription(() => TimelineEntry, {
    description: 'What is added from now on, or first what lies after a position. Unknown, denied or revoked: open and silent.',
  })
  async timelineEntryAdded(
    @NodeId('participantId') participantId: string, @Context() context: RequestContext,
    @Args('after', { type: () => String, nullable: true, description: 'A position, for one that was interrupted.' })
    after?: string | null,
  ): Promise<AsyncIterableIterator<{ timelineEntryAdded: TimelineEvent }>> {
    const signal = context.signal ?? new AbortController().signal;
    const from = typeof after === 'string' ? await this.view.positionOf(after, 'after') : undefined;
    const source = this.deliveries.entries(context.caller, participantId, signal, from);
    const entries: AsyncIterableIterator<{ timelineEntryAdded: TimelineEvent }> = {
      async next() {
        const { done, value } = await source.next();
        if (done) return { done, value: undefined };
        return { done: false, value: { timelineEntryAdded: presentEntry(value.row, value.access, value.session) } };
      },
      async return() {
        await source.return?.();
        return { done: true, value: undefined };
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
    return entries;
  }
}
