import { createParamDecorator, type ExecutionContext, type PipeTransform } from '@nestjs/common';
import { Args, GqlExecutionContext, ID } from '@nestjs/graphql';
import { ReadBudget, type SharedView, type ViewSession } from '@peerbridge/disclosure';
import type { Caller } from '@peerbridge/kernel';

/** What the transport puts beside every operation. */
export interface RequestContext {
  caller: Caller;
  session?: ViewSession;
  /** Of all sessions that the request takes. */
  budget?: ReadBudget;
  /** Subscriptions: aborted when nobody listens any more. */
  signal?: AbortSignal;
}

export const Context = createParamDecorator((_: unknown, context: ExecutionContext): RequestContext =>
  GqlExecutionContext.create(context).getContext<RequestContext>());

const lowerCased: PipeTransform<string, string> = { transform: (id) => id.toLowerCase() };

/** An argument that is the id of a node. Ids are lower-case here and everywhere behind it, however a caller writes them. */
export const NodeId = (name: string): ParameterDecorator => Args(name, { type: () => ID }, lowerCased);

/** The request's one session; a read that names a position gets a fresh one, for it must not meet what was read before. */
export async function sessionOf(view: SharedView, context: RequestContext, atLeast?: string | null): Promise<ViewSession> {
  if (atLeast !== null && atLeast !== undefined) {
    await view.atLeast(await view.positionOf(atLeast, 'atLeast'));
    return freshSession(view, context);
  }
  context.session ??= freshSession(view, context);
  return context.session;
}

/** Another session of the same request. */
export function freshSession(view: SharedView, context: RequestContext): ViewSession {
  context.budget ??= new ReadBudget();
  return view.session(context.caller, context.budget);
}
