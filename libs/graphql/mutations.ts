import { Inject, Injectable } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import type { GraphQLResolveInfo } from 'graphql';
import { ExecuteCommand, type AnyCommandBinding, type CommandResult } from '@peerbridge/command';
import { SharedView, type ViewSession } from '@peerbridge/disclosure';
import { freshSession, type RequestContext } from './context.js';
import { selects } from './selection.js';

/** Runs a mutation's command and answers with its payload. */
@Injectable()
export class Mutations {
  constructor(@Inject(CommandBus) private readonly commands: CommandBus, @Inject(SharedView) private readonly view: SharedView) {}

  /** @param load the node by id; only called where the payload is asked for it, and then at the command's position */
  async run(
    binding: AnyCommandBinding, input: object, context: RequestContext, info: GraphQLResolveInfo, field: string,
    load: (session: ViewSession, id: string) => Promise<object | null>,
  ): Promise<Omit<CommandResult, 'outcome'> & { node: object | null }> {
    const { outcome, ...result } = await this.commands.execute(new ExecuteCommand(binding, input, context.caller));
    const answer = { ...result, position: this.view.options.places.position(result.position) };
    if (!selects(info, field)) return { ...answer, node: null };
    await this.view.atLeast(result.position);
    // A repeat is answered with the node as it is by now, which is later than its position.
    if (outcome === 'repeated') await this.view.caughtUp();
    return { ...answer, node: await load(freshSession(this.view, context), result.id) };
  }
}
