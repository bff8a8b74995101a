import { Global, Module, type DynamicModule } from '@nestjs/common';
import { CqrsModule } from '@nestjs/cqrs';
import { capabilities } from '@peerbridge/care';
import { COMMAND_OBSERVER, CommandExecutor, ExecuteCommandHandler, type CommandObserver } from '@peerbridge/command';
import { PersonLocks, SharedView } from '@peerbridge/disclosure';
import { DateScalar, DateTimeScalar, Mutations, NodeTypes, RootResolver } from '@peerbridge/graphql';
import type { Metrics } from '@peerbridge/platform';
import type { Answering } from '../system.js';

/** What resolvers are given: the shared view, the command bus, and nothing that goes round them. */
@Global()
@Module({})
export class CareModule {
  static of({ shared, locks, executor, nodes }: Answering, metrics: Metrics): DynamicModule {
    const observer: CommandObserver = {
      commandEnded(command, outcome, seconds) {
        metrics.commands.inc({ command, outcome });
        metrics.commandDuration.observe(seconds);
      },
    };
    const provided = [
      { provide: SharedView, useValue: shared },
      { provide: PersonLocks, useValue: locks },
      { provide: CommandExecutor, useValue: executor },
      { provide: NodeTypes, useValue: nodes },
      { provide: COMMAND_OBSERVER, useValue: observer },
      Mutations,
    ];
    return {
      module: CareModule,
      imports: [CqrsModule.forRoot(), ...capabilities.map(({ module }) => module)],
      providers: [...provided, ExecuteCommandHandler, RootResolver, DateTimeScalar, DateScalar],
      exports: provided,
    };
  }
}
