import { CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { Command } from '@nestjs/cqrs';
import { Inject } from '@nestjs/common';
import { DomainError, type Caller } from '@peerbridge/kernel';
import { CommandExecutor, type CommandResult } from './executor.js';
import type { AnyCommandBinding } from './binding.js';

/** What the command bus carries: any command, of whichever capability. */
export class ExecuteCommand extends Command<CommandResult> {
  constructor(readonly binding: AnyCommandBinding, readonly input: object, readonly caller: Caller) {
    super();
  }
}

/** Counts and times commands. */
export interface CommandObserver {
  commandEnded(command: string, outcome: string, seconds: number): void;
}

export const COMMAND_OBSERVER = Symbol('CommandObserver');

@CommandHandler(ExecuteCommand)
export class ExecuteCommandHandler implements ICommandHandler<ExecuteCommand> {
  constructor(
    @Inject(CommandExecutor) private readonly executor: CommandExecutor,
    @Inject(COMMAND_OBSERVER) private readonly observer: CommandObserver,
  ) {}

  async execute({ binding, input, caller }: ExecuteCommand): Promise<CommandResult> {
    const startedAt = performance.now();
    const ended = (outcome: string) =>
      this.observer.commandEnded(binding.definition.name, outcome, (performance.now() - startedAt) / 1000);
    try {
      const result = await this.executor.execute(binding, input, caller);
      ended(result.outcome);
      return result;
    } catch (error) {
      ended(error instanceof DomainError ? error.code : 'INTERNAL');
      throw error;
    }
  }
}
