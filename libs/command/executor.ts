import { setTimeout as delay } from 'node:timers/promises';
import canonicalize from 'canonicalize';
import {
  AppendTooLarge, StoreUnavailable, StreamDeleted, WrongExpectedRevision, type EventStore, type Position,
} from '@peerbridge/event-store';
import {
  DomainError, fieldsAtFault, forbidden, id as uuid, invalid, livesElsewhere, notAhead, notFound, participantStreamOf,
  purposeOf, randomId, unavailable, type Caller, type Clock, type Command, type EventMetadata, type Subject,
} from '@peerbridge/kernel';
import {
  keepsAsWritten, labelOf, permitsItem, type AcceptedCommand, type ItemRow, type PersonAccess, type PersonLocks, type SharedView,
  type ViewSession,
} from '@peerbridge/disclosure';
import { UnknownEvent, type EventCodec, type KeyedIds, type Vault } from '@peerbridge/vault';
import { commandEnvelope, happenedByNow, unstorableFields, withoutNulls } from './input.js';
import { RecentCommands } from './recent-commands.js';
import { commandKey, foldOfNothing, StreamFolds, type FoldedStream } from './stream-folds.js';
import { StreamTurns, tooMany } from './stream-turns.js';
import type { AnyCommandBinding } from './binding.js';

/** Another process was faster: how often a command decides and appends again. */
const MOST_LOST = 12;
/** A withdrawal does so for as long as this. Milliseconds. */
const WITHDRAWN_WITHIN_MS = 30_000;
/** The pause after a race that was lost; doubled, up to the second number, and drawn at random below that. Milliseconds. */
const BACK_OFF_MS = [4, 200] as const;
/** The longest pause of a withdrawal: others leave it gaps. */
const WITHDRAWAL_BACK_OFF_MS = 8;

export interface CommandResult extends AcceptedCommand {
  outcome: 'accepted' | 'repeated';
}

export interface ExecutorOptions {
  store: EventStore;
  codec: EventCodec;
  vault: Vault;
  ids: KeyedIds;
  view: SharedView;
  locks: PersonLocks;
  clock: Clock;
}

interface Request {
  binding: AnyCommandBinding;
  caller: Caller;
  /** A UUID. */
  commandId: string;
  /** As it may stand in the log: earlier releases kept what was sent. */
  recordedAs: readonly string[];
  bodyHash: string;
  expectedVersion: number | undefined;
  /** Domain time of the request, RFC 3339 UTC with milliseconds. */
  now: string;
  occurredAt: string;
  /** The command's own input, or why role or shape refuse it. */
  input: object | DomainError;
  withdraws: boolean;
}

/** What a command is about. */
interface Located {
  access: PersonAccess | undefined;
  item: ItemRow | undefined;
  participantId: string | undefined;
  /** Something of another kind has the id that a command would give. */
  taken?: boolean;
}

/** A command that has passed all that is decided without its stream. */
interface Prepared {
  command: Command<object, unknown>;
  streamName: string;
  /** The command makes what the stream is about. */
  begins: boolean;
  sourceOrgId: string;
  session: ViewSession;
  /** The commandId stood for something else before, in whatever stream. */
  used: boolean;
  /** What the command is about, where the caller has it only as they wrote it. */
  keptItem: ItemRow | undefined;
}

/**
 * The one handler of every command: load, look for the command in what was loaded, decide, append at the revision it
 * read. Checks come in the order of the interface; a refusal writes nothing.
 */
export class CommandExecutor {
  private readonly recent: RecentCommands;
  private readonly turns = new StreamTurns();
  private readonly folds: StreamFolds;

  constructor(private readonly options: ExecutorOptions) {
    this.folds = new StreamFolds(options.store, options.codec);
    this.recent = new RecentCommands((position) => options.view.options.position.has(position));
  }

  /**
   * @param input the mutation's input as it came: commandId, expectedVersion?, occurredAt? and the command's own fields
   * @throws DomainError
   */
  async execute(binding: AnyCommandBinding, input: object, caller: Caller): Promise<CommandResult> {
    try {
      const request = await this.requested(binding, withoutNulls(input, binding.definition.clearable), caller);
      const key = commandKey(caller.memberId, request.commandId);
      const result = await this.recent.run(key, (earlier) => this.answer(request, earlier));
      if (request.withdraws) await this.withdraw(request, result);
      const refusal = binding.definition.refusal?.(result.eventType);
      if (refusal) throw refusal;
      return result;
    } catch (error) {
      throw translated(error);
    }
  }

  /** @throws DomainError where not even a repeat could be recognized */
  private async requested(
    binding: AnyCommandBinding, given: Record<string, unknown>, caller: Caller,
  ): Promise<Request> {
    const { definition } = binding;
    const now = this.options.clock.now().toISOString();
    const envelope = commandEnvelope.safeParse(given);
    const unreadable = [...(envelope.success ? [] : fieldsAtFault(envelope.error)), ...unstorableFields(given)];
    const { commandId: sent, expectedVersion, occurredAt: saidToOccurAt, ...own } = envelope.data ?? given;
    const named = saidToOccurAt === undefined ? undefined : notAhead(String(saidToOccurAt), now);
    const input = definition.input.safeParse(own);
    const happened = input.success ? happenedByNow(definition.happened, input.data, now) : undefined;
    const faults = new Set([
      ...unreadable, ...(named !== undefined && named > now ? ['occurredAt'] : []),
      ...(input.success ? definition.faults?.(input.data, caller, now) ?? [] : fieldsAtFault(input.error)),
    ]);
    const admitted = faults.size > 0 ? definition.roles : [...definition.roles, ...definition.refusedLater ?? []];
    const refusal = !admitted.includes(caller.role) ? forbidden(`${definition.name} is not for ${caller.role}.`)
      : faults.size > 0 ? malformed([...faults]) : undefined;
    if (unreadable.length > 0) throw refusal;
    // The same command however it is written: with a default or without, with a time's milliseconds or without.
    const content = { ...(input.data ?? own), expectedVersion, ...(envelope.data!.occurredAt && { occurredAt: saidToOccurAt }) };
    const commandId = this.commandIdOf(caller, sent as string);
    return {
      binding, caller, now, commandId, recordedAs: [...new Set([commandId, sent as string])],
      expectedVersion: expectedVersion as number | undefined,
      occurredAt: named ?? (happened && definition.occurredAt?.(happened)) ?? now, input: refusal ?? happened!,
      withdraws: binding.withdraws(own),
      bodyHash: await this.options.vault.bodyHash(canonicalize({ command: definition.name, ...content })!),
    };
  }

  /** Words that somebody chose for an id are in no log. */
  private commandIdOf({ memberId }: Caller, sent: string): string {
    const given = uuid.safeParse(sent);
    return given.success ? given.data : this.options.ids.of('command', memberId, sent);
  }

  private async answer(request: Request, earlier: AcceptedCommand | undefined): Promise<CommandResult> {
    const seen = this.options.view.options.position.current;
    try {
      return await this.run(request, earlier);
    } catch (error) {
      if (error instanceof DomainError && error.code === 'UNAVAILABLE') throw error;
      // Refused by what the view showed: only the view of all that was acknowledged before may refuse.
      const head = await this.options.store.head();
      if (!(error instanceof DomainError) || head === undefined || (seen !== undefined && seen >= head)) throw error;
      if (await this.options.view.caughtUp()) return this.run(request, earlier);
      if (request.input instanceof DomainError) throw error;
      throw new DomainError('TIMEOUT', 'The view lags behind; repeat with the same commandId.');
    }
  }

  private async run(request: Request, recent: AcceptedCommand | undefined): Promise<CommandResult> {
    const prepared = await this.prepare(request, recent);
    if ('outcome' in prepared) return prepared;
    return this.turns.take(prepared.streamName, request, async (waited) => {
      const current = waited ? await this.prepare(request, recent) : prepared;
      return 'outcome' in current ? current : this.write(request, current);
    });
  }

  /** All that is decided without the stream. Answers a repeat. */
  private async prepare(request: Request, recent: AcceptedCommand | undefined): Promise<Prepared | CommandResult> {
    const { binding, caller, commandId, recordedAs, input, now, occurredAt } = request;
    const { definition, stream } = binding;
    const session = this.options.view.session(caller);
    const newId = (index: number | string = 0) => this.options.ids.of('created', caller.memberId, commandId, index);
    const subject = input instanceof DomainError ? undefined : definition.subject(input, caller, newId);
    const [located, earlier] = await Promise.all([
      subject && this.locate(subject, session), recent ?? session.command(recordedAs),
    ]);
    // A repeat is answered before anything: also where the caller's role, or what a release takes, has changed since.
    if (earlier?.bodyHash === request.bodyHash) return repeated(earlier);
    if (input instanceof DomainError) throw input;
    if (!subject || !located) throw notFound(subject?.kind === 'item' ? subject.type : 'participant');
    const { access, item, participantId } = located;
    const facts = await binding.facts?.({ input, caller, occurredAt, now, session, access, item });
    const command: Command<object, unknown> = {
      input, caller, actor: { id: caller.memberId, role: caller.role, orgId: caller.orgId }, now, occurredAt, newId,
      participantId: participantId ?? '', facts,
    };
    refusing(() => definition.admit?.(command), earlier !== undefined);
    if (subject.kind === 'unborn') this.expectUnborn(request, located.taken ?? false, earlier !== undefined);
    // What stands alone and begins with a command about the person has a stream of its own from its first event on.
    const begins = stream.keyedBy === 'entity' && subject.kind === 'participant';
    const entityId = begins ? newId() : subject.id;
    return {
      command, begins, session, used: earlier !== undefined,
      keptItem: item && access && keepsAsWritten(access.decision, labelOf(item)) ? item : undefined,
      streamName: `${stream.category}-${stream.keyedBy === 'participant' ? participantId : entityId}`,
      // What people do for themselves belongs to the record they have, not to an organization that issues their token.
      sourceOrgId: caller.role === 'person' ? access?.facts.homeOrgId ?? caller.orgId : caller.orgId,
    };
  }

  /** Decides on the stream and appends to it, until nobody else was faster. What this process remembers of it refuses nothing. */
  private async write(request: Request, prepared: Prepared): Promise<CommandResult> {
    const { binding: { stream } } = request;
    const { command: { participantId }, streamName } = prepared;
    const read = () => this.folds.read(stream, streamName, participantId);
    // A stream that begins is empty, or else the append says so.
    const remembered = prepared.begins ? foldOfNothing(stream) : this.folds.known(streamName);
    let folded = remembered ?? await read();
    let mayRefuse = prepared.begins || remembered === undefined;
    for (const race = new Race(request); ;) {
      try {
        return await this.decide(request, prepared, folded);
      } catch (error) {
        if (error instanceof WrongExpectedRevision) {
          // The store holds less than was seen there: it was put back.
          if (error.actual === 'noStream' || error.actual < Number(folded.revision)) this.folds.forget(streamName);
          await race.lost();
        } else if (mayRefuse || !(error instanceof DomainError)) {
          throw error;
        }
        folded = await read();
        mayRefuse = true;
      }
    }
  }

  private async decide(request: Request, prepared: Prepared, folded: FoldedStream): Promise<CommandResult> {
    const { binding: { definition, stream }, caller, recordedAs } = request;
    const { command } = prepared;
    const [written] = recordedAs.flatMap((id) => folded.commands.get(commandKey(caller.memberId, id)) ?? []);
    if (written?.bodyHash === request.bodyHash) {
      const version = await this.versionOf(stream.category, written.id, command.participantId, written);
      return repeated({ ...written, version });
    }
    const used = prepared.used || written !== undefined;
    refusing(() => definition.authorize?.(command, folded.state), used);
    if (used) throw mismatch();
    await this.expectVersion(request, prepared, folded);
    return this.append(request, prepared, folded, definition.decide(command, folded.state));
  }

  /** The person and node that the command is about; undefined alike for what is unknown and what is not visible. */
  private async locate(
    subject: Subject, session: ViewSession,
  ): Promise<Located | undefined> {
    switch (subject.kind) {
      case 'unborn': {
        // Only a view that has what was just acknowledged knows which ids are taken.
        await this.options.view.caughtUp();
        const type = await this.options.view.typeOf(subject.id);
        const taken = type !== undefined && type !== subject.type;
        return { access: undefined, item: undefined, participantId: subject.participantId, taken };
      }
      case 'participant': {
        const access = await session.decision(subject.id);
        if (!subject.unseen && !access?.decision.visible) return undefined;
        return { access, item: undefined, participantId: subject.id };
      }
      case 'item': {
        const found = await session.anyItem(subject.id);
        if (found?.item.type !== subject.type) return undefined;
        if (!subject.unseen && !permitsItem(found.access.decision, labelOf(found.item))) return undefined;
        return { ...found, participantId: found.item.participant_id };
      }
    }
  }

  /** What is not there yet has no version, and an id of its own. @throws DomainError IDEMPOTENCY_MISMATCH, VERSION_CONFLICT */
  private expectUnborn({ expectedVersion }: Request, taken: boolean, used: boolean): void {
    if (expectedVersion === undefined && !taken) return;
    if (used) throw mismatch();
    throw expectedVersion === undefined ? new DomainError('VERSION_CONFLICT', 'This id is taken.') : notAsExpected();
  }

  /** @throws DomainError VERSION_CONFLICT */
  private async expectVersion(
    { binding: { definition, stream }, caller, expectedVersion }: Request,
    { command: { input, participantId }, keptItem }: Prepared, { state, versions }: FoldedStream,
  ): Promise<void> {
    if (expectedVersion === undefined) return;
    const entity = definition.entity?.(input, state, caller);
    const current = entity === undefined ? undefined
      : await this.versionOf(stream.category, entity, participantId, { counted: versions.get(entity) });
    // As they are shown it; a view that is not that far yet refuses, and is asked again.
    const actualVersion = keptItem && keptItem.version === current ? keptItem.author_version : current;
    if (actualVersion !== expectedVersion) throw notAsExpected(actualVersion);
  }

  /** The version of a node, now or as of a position, where an event in a stream of this category touches it. */
  private async versionOf<Counted extends number | undefined>(
    category: string, node: string, participantId: string | undefined,
    { counted, position }: { counted: Counted; position?: Position },
  ): Promise<number | Counted> {
    if (!livesElsewhere(category, node, participantId)) return counted;
    // All events of the participant's own stream are the participant's.
    for await (const event of this.options.store.readStream(participantStreamOf(node), { direction: 'backwards' })) {
      if (position === undefined || event.position <= position) return event.revision;
    }
    return counted;
  }

  private async append(
    request: Request, { command, streamName, sourceOrgId, session }: Prepared,
    { revision: expectedRevision, versions }: FoldedStream, events: readonly { type: string; data: object }[],
  ): Promise<CommandResult> {
    const { store, codec, ids } = this.options;
    const { caller, commandId, bodyHash, binding: { stream } } = request;
    const part2 = await session.isPart2Program(sourceOrgId);
    const correlationId = randomId();
    const stored = await Promise.all(events.map((event, index) => {
      const { schemaVersion, segments } = codec.describe(event);
      const consentRefs = (event.data as { consentRefs?: readonly string[] }).consentRefs ?? [];
      const metadata: EventMetadata = {
        // With the body in it: where one commandId is used for two at once, stores tell the two apart.
        eventId: ids.of('event', caller.memberId, commandId, bodyHash, index), type: event.type, schemaVersion,
        stream: streamName, occurredAt: command.occurredAt, recordedAt: command.now, actor: command.actor,
        purpose: purposeOf(caller.role), sourceOrgId, ...(command.participantId && { participantId: command.participantId }),
        labels: { segments, part2, confidentiality: part2 ? 'R' : 'N' }, commandId, commandIndex: index, bodyHash,
        $correlationId: correlationId, $causationId: commandId, consentRefs,
      };
      return codec.encode(event, metadata);
    }));
    const appended = await store.append(streamName, stored, { expectedRevision });
    const { revision, position } = appended;
    const touched = events.map((event, index) => stream.entityOf({
      ...event, eventId: stored[index]!.metadata.eventId, actor: command.actor, occurredAt: command.occurredAt,
      recordedAt: command.now, revision: revision - events.length + 1 + index,
    }));
    const id = touched[0]!;
    const counted = (versions.get(id) ?? -1) + touched.filter((one) => one === id).length;
    this.folds.appended(stream, streamName, stored, appended);
    const version = await this.versionOf(stream.category, id, command.participantId, { counted, position });
    return { id, version, position, bodyHash, eventType: events[0]!.type, outcome: 'accepted' };
  }

  /** Returns only when the view shows the withdrawal and every delivery decided before it has ended. */
  private async withdraw({ caller }: Request, { id, position }: CommandResult): Promise<void> {
    const { view, locks } = this.options;
    if (!await view.options.position.reached(position, view.options.readWaitMs)) throw recorded();
    const participantId = await this.shownOf(id, caller).catch((error: unknown) => {
      throw error instanceof DomainError ? recorded() : error;
    });
    if (participantId === undefined) throw recorded();
    await locks.drain(participantId);
  }

  /** The person of the node, where the view shows their record as it is. */
  private async shownOf(id: string, caller: Caller): Promise<string | undefined> {
    const { view } = this.options;
    const participantId = await view.participantOf(id);
    const access = participantId === undefined ? undefined : await view.session(caller).decision(participantId);
    return access?.facts.unknowable ? undefined : participantId;
  }
}

/** Races for a stream's revision with other processes. */
class Race {
  private times = 0;
  private readonly startedAt = performance.now();

  constructor(private readonly request: { withdraws: boolean }) {}

  /** Waits before the next. @throws DomainError RATE_LIMITED where it was lost too often */
  async lost(): Promise<void> {
    const { withdraws } = this.request;
    this.times += 1;
    const enough = withdraws ? performance.now() - this.startedAt > WITHDRAWN_WITHIN_MS : this.times >= MOST_LOST;
    if (enough) throw tooMany();
    const [first, longest] = BACK_OFF_MS;
    await delay(Math.random() * (withdraws ? WITHDRAWAL_BACK_OFF_MS : Math.min(longest, first * 2 ** this.times)));
  }
}

const repeated = (earlier: AcceptedCommand): CommandResult => ({ ...earlier, outcome: 'repeated' });
const malformed = (fields: readonly string[]) => invalid(`Missing or malformed: ${fields.join(', ')}.`, ...fields);
const recorded = () => unavailable(
  'Recorded, but it cannot be shown yet that it is in force; repeat with the same commandId.', { recorded: true });
const notAsExpected = (actualVersion?: number) =>
  new DomainError('VERSION_CONFLICT', 'The version expected is not the current one.', { actualVersion });
const mismatch = () => new DomainError('IDEMPOTENCY_MISMATCH', 'This commandId was used before with another body.');

/** That an id was used before for something else is said after NOT_FOUND, and before whose turn it is. @throws DomainError */
function refusing(check: () => void, used: boolean): void {
  try {
    check();
  } catch (refusal) {
    const hidden = refusal instanceof DomainError && refusal.code === 'NOT_FOUND';
    throw !used || hidden ? refusal : mismatch();
  }
}

/** Failures below the domain, as the interface names them. */
function translated(error: unknown): unknown {
  if (error instanceof StoreUnavailable) return unavailable('The event store cannot be reached; repeat with the same commandId.');
  if (error instanceof StreamDeleted) return unavailable('This record was deleted from the event store.');
  if (error instanceof AppendTooLarge) return invalid(`The command is larger than ${error.maxBytes} bytes.`);
  if (error instanceof UnknownEvent) return unavailable('This record was written by a newer release; nothing was changed.');
  return error;
}

