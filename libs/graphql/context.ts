import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { GqlExecutionContext } from '@nestjs/graphql';
import type { SharedView, ViewSession } from '@peerbridge/disclosure';
import type { Caller } from '@peerbridge/kernel';

/** What the transport puts beside every operation. */
export interface RequestContext {
  caller: Caller;
  session?: ViewSession;
  /** Subscriptions: aborted when nobody listens any more. */
  signal?: AbortSignal;
}

export const Context = createParamDecorator((_: unknown, context: ExecutionContext): RequestContext =>
  GqlExecutionContext.create(context).getContext<RequestContext>());

/** The request's one session; a read that names a position gets a fresh one, for it must not meet what was read before. */
export async function sessionOf(view: SharedView, context: RequestContext, atLeast?: string | null): Promise<ViewSession> {
  if (atLeast !== null && atLeast !== undefined) {
    await view.atLeast(atLeast);
    return view.session(context.caller);
  }
  context.session ??= view.session(context.caller);
  return context.session;
}
