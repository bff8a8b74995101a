import { Field, ID, InputType, Int, InterfaceType, ObjectType } from '@nestjs/graphql';
import type { Type } from '@nestjs/common';
import type { Page, PersonAccess, ViewSession } from '@peerbridge/disclosure';
import type { Role } from '@peerbridge/kernel';
import { DateTimeScalar, RoleEnum } from './scalars.js';


/** What every presented object carries unseen: the session it was read in, and the decision it was read under. */
export interface Presented {
  __typename: string;
  session: ViewSession;
  access?: PersonAccess;
}

@InterfaceType('Node', { resolveType: (value: Presented) => value.__typename })
export abstract class Node {
  @Field(() => ID)
  id!: string;
}

@ObjectType({ description: 'A Part 2 program seen from outside it: its neutral alias, and id null.' })
export class Organization {
  @Field(() => ID, { nullable: true })
  id!: string | null;

  @Field(() => String, { nullable: true })
  name!: string | null;
}

@ObjectType({
  implements: () => [Node],
  description: 'Someone who acts: shown to themself, to colleagues, and to those who see the team.',
})
export class Worker extends Node implements Presented {
  readonly __typename = 'Worker';
  session!: ViewSession;
  access?: PersonAccess;
  orgId!: string;

  @Field(() => RoleEnum, { nullable: true })
  role!: Role;
}

/** A worker as the session's caller may know them about this person; null where they may not. */
export function presentWorker(
  session: ViewSession, access: PersonAccess | undefined, worker: { memberId: string; role: Role; orgId: string },
): Worker | null {
  if (!session.seesWorker(access, worker)) return null;
  return Object.assign(new Worker(), { id: worker.memberId, role: worker.role, orgId: worker.orgId, session, access });
}

@ObjectType()
export class PageInfo {
  @Field()
  hasNextPage!: boolean;

  @Field()
  hasPreviousPage!: boolean;

  @Field(() => String, { nullable: true })
  startCursor!: string | null;

  @Field(() => String, { nullable: true })
  endCursor!: string | null;
}

export interface Connection<T> {
  edges: { cursor: string; node: T }[];
  pageInfo: PageInfo;
  totalCount: number | undefined;
}

/** The Relay connection of a type, forward only: `<Name>Connection`. */
export function connectionType<T extends object>(
  name: string, node: () => Type<T> | (abstract new () => T),
): Type<Connection<T>> {
  @ObjectType(`${name}Edge`)
  class Edge {
    @Field()
    cursor!: string;

    @Field(() => node() as Type<T>)
    node!: T;
  }

  @ObjectType(`${name}Connection`)
  class ConnectionOf implements Connection<T> {
    @Field(() => [Edge])
    edges!: Edge[];

    @Field(() => PageInfo)
    pageInfo!: PageInfo;

    @Field(() => Int)
    totalCount!: number;
  }
  return ConnectionOf;
}

/** A page of rows as a connection of nodes. */
export async function toConnection<Row, T>(
  page: Page<Row>, forward: { after?: string | null }, present: (row: Row) => T | Promise<T>,
): Promise<Connection<T>> {
  const nodes = await Promise.all(page.rows.map(({ row }) => present(row)));
  const edges = page.rows.map((place, index) => ({ get cursor() { return place.cursor; }, node: nodes[index]! }));
  return {
    edges,
    pageInfo: {
      hasNextPage: page.hasNextPage, hasPreviousPage: Boolean(forward.after),
      startCursor: edges[0]?.cursor ?? null, endCursor: edges.at(-1)?.cursor ?? null,
    },
    totalCount: page.totalCount,
  };
}

export const emptyConnection = <T>(): Connection<T> => ({
  edges: [], pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null }, totalCount: 0,
});

/** The fields of every mutation's input. */
@InputType({ isAbstract: true })
export abstract class CommandInput {
  @Field(() => ID, { description: 'A UUID by the caller; a repeat with the same id and body is answered as the first time.' })
  commandId!: string;

  @Field(() => Int, { nullable: true, description: 'Refused with VERSION_CONFLICT unless the node is at this version.' })
  expectedVersion?: number;

  @Field(() => DateTimeScalar, { nullable: true, description: 'When it happened; default now, never in the future.' })
  occurredAt?: string;
}

/** The payload of a mutation: what was recorded, and the node as the caller may see it now. */
export function payloadType<T extends object>(mutation: string, field: string, node: () => Type<T>): Type<object> {
  @ObjectType(`${mutation[0]!.toUpperCase()}${mutation.slice(1)}Payload`)
  class Payload {
    @Field(() => ID)
    id!: string;

    @Field(() => Int)
    version!: number;

    @Field({ description: 'Give it as atLeast to a query that must see this. It tells nothing else, not even an order.' })
    position!: string;

    @Field(() => node(), { name: field, nullable: true })
    node!: T | null;
  }
  return Payload;
}
