import type { Caller, CommandDefinition, FactOfAnyType, StreamDefinition } from '@peerbridge/kernel';
import type { ItemRow, PersonAccess, ViewSession } from '@peerbridge/disclosure';

/** What the facts of other streams are looked up with. What is read, is read as the caller may see it or decided by policy. */
export interface FactsContext<Input> {
  input: Input;
  caller: Caller;
  occurredAt: string;
  now: string;
  session: ViewSession;
  /** Of the person the command is about, also where they may not see them; undefined where nobody is enrolled by that id. */
  access: PersonAccess | undefined;
  /** The node the command is about. */
  item: ItemRow | undefined;
}

/** A pure command with what it takes to run it. */
export interface CommandBinding<Input, State, NewEvent extends { type: string }, Facts, Fact extends FactOfAnyType> {
  definition: CommandDefinition<Input, State, NewEvent, Facts>;
  stream: StreamDefinition<State, Fact>;
  facts?: (context: FactsContext<Input>) => Promise<Facts>;
  /** Acknowledged only when nobody can be shown, or rest on, any more what it withdraws (privacy: revocation guarantee). */
  withdraws(input: Input): boolean;
}

/** A binding whose types were checked where it was made. */
export type AnyCommandBinding = CommandBinding<object, unknown, { type: string; data: object }, unknown, FactOfAnyType>;

export function bind<
  Input extends object, State, NewEvent extends { type: string; data: object }, Facts, Fact extends FactOfAnyType,
>(
  stream: StreamDefinition<State, Fact>,
  definition: CommandDefinition<Input, State, NewEvent, Facts>,
  options: { facts?: (context: FactsContext<Input>) => Promise<Facts>; withdrawal?: boolean | ((input: Input) => boolean) } = {},
): AnyCommandBinding {
  const { facts, withdrawal = false } = options;
  const withdraws = typeof withdrawal === 'boolean' ? () => withdrawal : withdrawal;
  return { definition, stream, facts, withdraws } as unknown as AnyCommandBinding;
}
