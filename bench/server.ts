import { Module } from '@nestjs/common';
import {
  Args, Field, ID, InputType, InterfaceType, Mutation, ObjectType, Query, ResolveField, Resolver,
} from '@nestjs/graphql';
import { connectionType, DateTimeScalar, Forward, SegmentEnum } from '@peerbridge/graphql';
import { loadConfig } from '@peerbridge/platform';
import { LogPeerContactInput } from '../libs/care/peer-contact/graphql.js';
import { startApi } from '../apps/api/api.js';
import { startProjector } from '../apps/projector/projector.js';
import { describeDevelopment } from '../apps/standalone/dev-file.js';
import { registerFixtureOrganizations } from '../apps/standalone/fixture.js';
import { openSystem } from '../apps/system.js';

/** The product as `npm start` runs it, and beside it what it is measured against: the same server doing nothing. */

/** What a contact is logged with: the two mutations are asked for the same. */
@InputType()
class DoNothingInput extends LogPeerContactInput {}

@ObjectType()
class DoNothingPayload {
  @Field(() => ID)
  id!: string;

  @Field()
  position!: string;
}

@InterfaceType({ resolveType: () => 'MemoryEvent' })
abstract class MemoryEntry {
  @Field(() => ID)
  id!: string;

  @Field()
  type!: string;

  @Field(() => DateTimeScalar)
  occurredAt!: string;

  @Field(() => [SegmentEnum])
  segments!: string[];
}

@ObjectType({ implements: () => [MemoryEntry] })
class MemoryEvent extends MemoryEntry {}

@ObjectType()
class MemoryPerson {
  @Field(() => ID)
  id!: string;
}

const MemoryConnection = connectionType('Memory', () => MemoryEntry);

const edges = Array.from({ length: 20 }, (_, index) => ({
  cursor: Buffer.from(`2026-01-15T12:00:00.000Z|pg00000000.${String(index).padStart(20, '0')}`).toString('base64url'),
  node: Object.assign(new MemoryEvent(), {
    id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    type: 'PeerContactLogged', occurredAt: '2026-01-15T12:00:00.000Z', segments: ['peer'],
  }),
}));

/** The answer of a person's story, with nobody asked and nothing read. */
@Resolver(() => MemoryPerson)
class MemoryResolver {
  @Query(() => MemoryPerson, { nullable: true })
  memory(@Args('id', { type: () => ID }) id: string): MemoryPerson {
    return { id };
  }

  @ResolveField(() => MemoryConnection)
  timeline(@Args() _: Forward) {
    const pageInfo = { hasNextPage: true, hasPreviousPage: false, startCursor: null, endCursor: null };
    return { edges, pageInfo, totalCount: 20 };
  }
}

@Resolver()
class IdleResolver {
  @Mutation(() => DoNothingPayload)
  doNothing(@Args('input') input: DoNothingInput): DoNothingPayload {
    return { id: input.commandId, position: 'nowhere' };
  }
}

@Module({ providers: [IdleResolver, MemoryResolver] })
class IdleModule {}

const config = loadConfig(process.env);
const system = await openSystem(config, 'bench');
const projector = startProjector(system);
const api = await startApi(system, { modules: [IdleModule] });
await api.answering.trust.established(60_000);
await registerFixtureOrganizations(api.answering.executor);
process.send?.({ ...await describeDevelopment(api.address, api.issuer!, config), pid: process.pid });

process.on('SIGTERM', () => {
  void api.stop().then(() => projector.stop()).then(() => system.close()).then(() => process.exit(0));
});
