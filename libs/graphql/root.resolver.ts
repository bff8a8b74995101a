import { Inject } from '@nestjs/common';
import { Args, Parent, Query, ResolveField, Resolver } from '@nestjs/graphql';
import { SharedView } from '@peerbridge/disclosure';
import { Context, NodeId, sessionOf, type RequestContext } from './context.js';
import { NodeTypes, type NodeLookUp } from './node-types.js';
import { Node, Organization, presentWorker, Worker, type Presented } from './types.js';

/** A worker whom the caller meets on a team, or in their own organization. */
export const workerLookUp: NodeLookUp = async (session, id) => {
  const { caller } = session;
  if (id === caller.memberId) return presentWorker(session, undefined, caller);
  const found = await session.worker(id);
  return found ? presentWorker(session, found.access, { memberId: id, role: found.row.role, orgId: found.row.org_id }) : null;
};

@Resolver(() => Worker)
export class RootResolver {
  constructor(@Inject(SharedView) private readonly view: SharedView, @Inject(NodeTypes) private readonly nodes: NodeTypes) {}

  @Query(() => Worker, { description: 'Who the token says you are.' })
  async viewer(@Context() context: RequestContext): Promise<Worker> {
    return presentWorker(await sessionOf(this.view, context), undefined, context.caller)!;
  }

  @Query(() => Node, { nullable: true, description: 'Any node by id; null for what is unknown, malformed or not to be seen.' })
  async node(
    @Context() context: RequestContext, @NodeId('id') id: string,
    @Args('atLeast', { type: () => String, nullable: true }) atLeast?: string,
  ): Promise<Presented | null> {
    return this.nodes.find(await sessionOf(this.view, context, atLeast), id);
  }

  @ResolveField(() => String, { nullable: true })
  name(@Parent() { id, role, orgId, session, access }: Worker): Promise<string | null> | string | null {
    if (id === session.caller.memberId) return session.caller.name ?? null;
    return access ? session.workerName(access, { memberId: id, role, orgId }) : null;
  }

  @ResolveField(() => Organization, { nullable: true })
  organization(@Parent() { orgId, session, access }: Worker): Promise<Organization | null> {
    return session.organization(orgId, access);
  }
}
