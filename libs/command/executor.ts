import canonicalize from 'canonicalize';
import {
  AppendTooLarge, StoreUnavailable, WrongExpectedRevision, type EventStore, type ExpectedRevision, type Position,
} from '@peerbridge/event-store';
import {
  derivedId, DomainError, fieldsAtFault, forbidden, invalid, notFound, purposeOf, randomId, unavailable,
  type Caller, type Clock, type Command, type EventMetadata, type FactOfAnyType, type Subject,
} from '@peerbridge/kernel';
import type { CommandRow, ItemRow, PersonAccess, PersonLocks, SharedView, ViewSession } from '@peerbridge/disclosure';
import { UnknownEvent, type EventCodec, type Vault } from '@peerbridge/vault';
import { commandEnvelope, withoutNulls } from './input.js';
import type { AnyCommandBinding } from './binding.js';

/** Only the revision was stale: how often to load, decide and append again. */
const MAX_ATTEMPTS = 12;

export interface CommandResult {
  /** The node it touched. */
  id: string;
  /** The revision of the last event that touched the node. */
  version: number;
  position: Position;
  outcome: 'accepted' | 'repeated';
}

export interface ExecutorOptions {
  store: EventStore;
  codec: EventCodec;
  vault: Vault;
  view: SharedView;
  locks: PersonLocks;
  clock: Clock;
}

interface Request {
  binding: AnyCommandBinding;
  caller: Caller;
  commandId: string;
  bodyHash: string;
  expectedVersion: number | undefined;
  body: Record<string, unknown>;
}

/** Role and shape are right. */
interface Parsed {
  input: object;
  now: string;
  occurredAt: string;
}

/** A stream as folded, and what of it this command may already have written. */
interface Loaded {
  state: unknown;
  revision: ExpectedRevision;
  versions: ReadonlyMap<string, number>;
  earlier: (CommandResult & { bodyHash: string }) | undefined;
}

/**
 * The one handler of every command: load, look for the command in what was loaded, decide, append at the revision it
 * read. Checks come in the order of the interface; a refusal writes nothing.
 */
export class CommandExecutor {
  constructor(private readonly options: ExecutorOptions) {}

  /**
   * @param input the mutation's input as it came: commandId, expectedVersion?, occurredAt? and the command's own fields
   * @throws DomainError
   */
  async execute(binding: AnyCommandBinding, input: object, caller: Caller): Promise<CommandResult> {
    const { name, roles } = binding.definition;
    const given = commandEnvelope.safeParse(withoutNulls(input));
    if (!given.success) {
      if (!roles.includes(caller.role)) throw forbidden(`${name} is not for ${caller.role}.`);
      throw malformed(fieldsAtFault(given.error));
    }
    const { commandId, expectedVersion, ...body } = given.data;
    const bodyHash = await this.options.vault.bodyHash(canonicalize({ command: name, expectedVersion, ...body })!);
    const request: Request = { binding, caller, commandId, bodyHash, expectedVersion, body };
    try {
      const result = await this.answer(request);
      if (binding.withdraws(body)) await this.withdraw(request, result);
      return result;
    } catch (error) {
      throw translated(error);
    }
  }

  private async answer(request: Request): Promise<CommandResult> {
    let parsed: Parsed;
    try {
      parsed = this.parse(request);
    } catch (refusal) {
      // A repeat is answered before anything: also where the caller's role, or what a release takes, has changed since.
      const earlier = await this.options.view.session(request.caller, request.commandId).command();
      if (earlier?.body_hash === request.bodyHash) return repeated(earlier);
      throw refusal;
    }
    const seen = this.options.view.options.position.current;
    try {
      return await this.run(request, parsed);
    } catch (error) {
      // Refused by what the view showed: only the view of all that was acknowledged before may refuse.
      const head = await this.options.store.head();
      if (!(error instanceof DomainError) || head === undefined || (seen !== undefined && seen >= head)) throw error;
      if (!await this.options.view.caughtUp()) {
        throw new DomainError('TIMEOUT', 'The view lags behind; repeat with the same commandId.');
      }
      return this.run(request, parsed);
    }
  }

  /** Role and shape. */
  private parse({ binding, caller, body }: Request): Parsed {
    const { definition } = binding;
    if (!definition.roles.includes(caller.role)) throw forbidden(`${definition.name} is not for ${caller.role}.`);
    const now = this.options.clock.now().toISOString();
    const { occurredAt, ...own } = body;
    const when = occurredAt === undefined ? now : String(occurredAt);
    const parsed = definition.input.safeParse(own);
    const fields = [...(when > now ? ['occurredAt'] : []), ...(parsed.success ? [] : fieldsAtFault(parsed.error))];
    if (fields.length > 0) throw malformed(fields);
    return { input: parsed.data!, now, occurredAt: when };
  }

  private async run(request: Request, { input, now, occurredAt }: Parsed): Promise<CommandResult> {
    const { binding, caller, commandId } = request;
    const { definition, stream } = binding;
    const newId = (index: number | string = 0) => derivedId(caller.memberId, commandId, index);
    const session = this.options.view.session(caller, commandId);
    const subject = definition.subject(input, caller, newId);
    const located = await this.locate(subject, session);
    const earlier = await session.command();
    if (earlier?.body_hash === request.bodyHash) return repeated(earlier);
    if (!located) throw notFound(subject.kind === 'item' ? subject.type : 'participant');
    if (earlier) throw mismatch();
    const { access, item, participantId } = located;
    const facts = await binding.facts?.({ input, caller, occurredAt, now, session, access, item });
    const command: Command<object, unknown> = {
      input, caller, actor: { id: caller.memberId, role: caller.role, orgId: caller.orgId }, now, occurredAt, newId,
      participantId: participantId ?? '', facts,
    };
    // What stands alone and begins with a command about the person has a stream of its own from its first event on.
    const entityId = subject.kind === 'participant' ? newId() : subject.id;
    const streamName = `${stream.category}-${stream.keyedBy === 'participant' ? participantId : entityId}`;

    for (let attempt = 1; ; attempt += 1) {
      const loaded = await this.load(binding, streamName, participantId, request);
      if (loaded.earlier) {
        if (loaded.earlier.bodyHash !== request.bodyHash) throw mismatch();
        return loaded.earlier;
      }
      definition.authorize?.(command, loaded.state);
      const entity = definition.entity?.(input, loaded.state, caller);
      const actualVersion = entity === undefined ? undefined : loaded.versions.get(entity);
      if (request.expectedVersion !== undefined && actualVersion !== request.expectedVersion) {
        throw new DomainError('VERSION_CONFLICT', 'The version expected is not the current one.', { actualVersion });
      }
      const events = definition.decide(command, loaded.state);
      try {
        return await this.append(request, command, streamName, loaded.revision, events, session);
      } catch (error) {
        if (!(error instanceof WrongExpectedRevision)) throw error;
        if (attempt >= MAX_ATTEMPTS) {
          throw unavailable('Too many others write to the same record; repeat with the same commandId.');
        }
      }
    }
  }

  /** The person and node that the command is about; undefined alike for what is unknown and what is not visible. */
  private async locate(
    subject: Subject, session: ViewSession,
  ): Promise<{ access: PersonAccess | undefined; item: ItemRow | undefined; participantId: string | undefined } | undefined> {
    switch (subject.kind) {
      case 'unborn':
        return { access: undefined, item: undefined, participantId: subject.participantId };
      case 'participant': {
        const access = await session.decision(subject.id);
        if (!subject.unseen && !access?.decision.visible) return undefined;
        return { access, item: undefined, participantId: subject.id };
      }
      case 'item': {
        const found = await session.item(subject.id);
        if (found?.item.type !== subject.type) return undefined;
        return { ...found, participantId: found.item.participant_id };
      }
    }
  }

  private async load(
    binding: AnyCommandBinding, streamName: string, participantId: string | undefined, request: Request,
  ): Promise<Loaded> {
    const { store, codec } = this.options;
    const { stream } = binding;
    let state = stream.initialState();
    for (const category of stream.foldsFirst ?? []) {
      const opening = store.readStream(`${category}-${participantId}`, { limit: 1 });
      for await (const event of opening) state = stream.evolve(state, codec.fact(event));
    }
    let revision: ExpectedRevision = 'noStream';
    let earlier: Loaded['earlier'];
    const versions = new Map<string, number>();
    for await (const event of store.readStream(streamName)) {
      const fact = codec.fact(event);
      const id = stream.entityOf(fact);
      state = stream.evolve(state, fact);
      revision = event.revision;
      versions.set(id, event.revision);
      const { commandId, actor, bodyHash } = event.metadata;
      if (commandId === request.commandId && actor.id === request.caller.memberId) {
        earlier = { id: earlier?.id ?? id, version: event.revision, position: event.position, outcome: 'repeated', bodyHash };
      }
    }
    return { state, revision, versions, earlier };
  }

  private async append(
    request: Request, command: Command<object, unknown>, streamName: string, revision: ExpectedRevision,
    events: readonly { type: string; data: object }[], session: ViewSession,
  ): Promise<CommandResult> {
    const { store, codec } = this.options;
    const { caller, commandId, bodyHash, binding } = request;
    const part2 = await session.isPart2Program(caller.orgId);
    const correlationId = randomId();
    const stored = await Promise.all(events.map((event, index) => {
      const { schemaVersion, segments } = codec.describe(event);
      const consentRefs = (event.data as { consentRefs?: readonly string[] }).consentRefs ?? [];
      const metadata: EventMetadata = {
        eventId: derivedId(caller.memberId, commandId, `event/${index}`), type: event.type, schemaVersion, stream: streamName,
        occurredAt: command.occurredAt, recordedAt: command.now, actor: command.actor, purpose: purposeOf(caller.role),
        sourceOrgId: caller.orgId, ...(command.participantId && { participantId: command.participantId }),
        labels: { segments, part2, confidentiality: part2 ? 'R' : 'N' }, commandId, bodyHash,
        $correlationId: correlationId, $causationId: commandId, consentRefs,
      };
      return codec.encode(event, metadata);
    }));
    const { revision: last, position } = await store.append(streamName, stored, { expectedRevision: revision });
    const first: FactOfAnyType = {
      ...events[0]!, eventId: stored[0]!.metadata.eventId, actor: command.actor, occurredAt: command.occurredAt,
      recordedAt: command.now, revision: last - events.length + 1,
    };
    return { id: binding.stream.entityOf(first), version: last, position, outcome: 'accepted' };
  }

  /** Returns only when the view shows the withdrawal and every delivery decided before it has ended. */
  private async withdraw({ caller }: Request, { id, position }: CommandResult): Promise<void> {
    const { view, locks } = this.options;
    const recorded = 'Recorded, but it cannot be shown yet that it is in force; repeat with the same commandId.';
    if (!await view.options.position.reached(position, view.options.readWaitMs)) throw unavailable(recorded);
    const participantId = await view.participantOf(id);
    if (participantId === undefined) throw unavailable(recorded);
    const access = await view.session(caller).decision(participantId);
    if (access?.facts.unknowable) throw unavailable(recorded);
    await locks.drain(participantId);
  }
}

const repeated = ({ entity_id, version, position }: CommandRow): CommandResult =>
  ({ id: entity_id, version, position, outcome: 'repeated' });
const malformed = (fields: readonly string[]) => invalid(`Missing or malformed: ${fields.join(', ')}.`, ...fields);
const mismatch = () => new DomainError('IDEMPOTENCY_MISMATCH', 'This commandId was used before with another body.');

/** Failures below the domain, as the interface names them. */
function translated(error: unknown): unknown {
  if (error instanceof StoreUnavailable) return unavailable('The event store cannot be reached; repeat with the same commandId.');
  if (error instanceof AppendTooLarge) return invalid(`The command is larger than ${error.maxBytes} bytes.`);
  if (error instanceof UnknownEvent) return unavailable('This record was written by a newer release; nothing was changed.');
  return error;
}

