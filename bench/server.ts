import { Module } from '@nestjs/common';
import { Args, Mutation, Query, Resolver } from '@nestjs/graphql';
import { connectionType, CommandInput } from '@peerbridge/graphql';
import { Field, ID, InputType, ObjectType } from '@nestjs/graphql';
import { loadConfig } from '@peerbridge/platform';
import { startApi } from '../apps/api/api.js';
import { startProjector } from '../apps/projector/projector.js';
import { describeDevelopment } from '../apps/standalone/dev-file.js';
import { registerFixtureOrganizations } from '../apps/standalone/fixture.js';
import { openSystem } from '../apps/system.js';

/** The product as `npm start` runs it, and beside it what it is measured against: the same server doing nothing. */

@InputType()
class DoNothingInput extends CommandInput {
  @Field(() => ID, { nullable: true })
  participantId?: string;

  @Field(() => String, { nullable: true })
  summary?: string;
}

@ObjectType()
class DoNothingPayload {
  @Field(() => ID)
  id!: string;

  @Field()
  position!: string;
}

@ObjectType()
class MemoryEntry {
  @Field(() => ID)
  id!: string;

  @Field()
  type!: string;

  @Field()
  occurredAt!: string;

  @Field(() => [String])
  segments!: string[];
}

const MemoryConnection = connectionType('Memory', () => MemoryEntry);

const entries = Array.from({ length: 20 }, (_, index) => ({
  cursor: `cursor-${index}`,
  node: {
    id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
    type: 'PeerContactLogged', occurredAt: '2026-01-15T12:00:00.000Z', segments: ['peer'],
  },
}));

@Resolver()
class IdleResolver {
  @Mutation(() => DoNothingPayload)
  doNothing(@Args('input') input: DoNothingInput): DoNothingPayload {
    return { id: input.commandId, position: 'nowhere' };
  }

  @Query(() => MemoryConnection)
  memory() {
    const pageInfo = { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null };
    return { edges: entries, pageInfo, totalCount: 20 };
  }
}

@Module({ providers: [IdleResolver] })
class IdleModule {}

const config = loadConfig(process.env);
const system = await openSystem(config, 'bench');
const projector = startProjector(system);
const api = await startApi(system, { modules: [IdleModule] });
await api.answering.shared.available(60_000);
await registerFixtureOrganizations(api.answering.executor);
process.send?.({ ...await describeDevelopment(api.address, api.issuer!, config), pid: process.pid });

process.on('SIGTERM', () => {
  void api.stop().then(() => projector.stop()).then(() => system.close()).then(() => process.exit(0));
});
