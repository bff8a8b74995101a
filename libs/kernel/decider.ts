/**
 * A life cycle as three pure functions. `decide` throws a DomainError to refuse; `evolve` is total: it never throws and
 * never reads a clock. Time, ids and the facts of other streams come in with the command.
 */
export interface Decider<Command, State, NewEvent, Fact = NewEvent> {
  initialState(): State;
  decide(command: Command, state: State): readonly NewEvent[];
  evolve(state: State, fact: Fact): State;
}
