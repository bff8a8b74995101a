import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { Metadata, Server, ServerCredentials, status, type ServerWritableStream, type StatusObject } from '@grpc/grpc-js';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import gossipService, { type IGossipServer } from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import serverFeatures from '@eventstore/db-client/generated/serverfeatures_pb.js';
import serverFeaturesService, { type IServerFeaturesServer } from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import rpcStatus from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import streamsService, { type IStreamsServer } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import anyMessage from 'google-protobuf/google/protobuf/any_pb.js';
import {
  EventStoreDbLog, MAX_APPEND_SIZE, type Expected, type LogRecord, type ProposedRecord, type Written,
} from './eventstoredb-double-log.js';
import { selfSigned } from './self-signed.js';

const { AppendResp, BatchAppendResp, DeleteResp, ReadReq, ReadResp, TombstoneResp } = streams;
const { BACKWARDS } = ReadReq.Options.ReadDirection;
type ReadCall = ServerWritableStream<streams.ReadReq, streams.ReadResp>;

/** What (-1, -1) becomes on the wire. */
const NO_POSITION = 2n ** 64n - 1n;
/** A repeat that arrives while the first is being committed is answered when this has passed: the server's commit timeout. */
const COMMIT_TIMEOUT_MS = 2_000;

export interface EventStoreDoubleOptions {
  /** That of another double makes the two nodes of one cluster. */
  eventLog?: EventStoreDbLog;
  /** How far the server's clock is ahead of its clients'. */
  clockAheadMs?: number;
  /** How long a write takes to reach the disk. */
  commitMs?: number;
  /** Speaks TLS with a certificate that its clients know no authority of. */
  isUntrusted?: boolean;
}

export interface EventStoreDouble {
  connectionString: string;
  eventLog: EventStoreDbLog;
  port(): number;
  /** Like `kill -9`: connections are reset, new ones refused. What was written stays. */
  kill(): Promise<void>;
  /** Listens again on the same port. */
  restart(): Promise<void>;
  /** The next append is written, and the server dies before it can say so. */
  dieBeforeAnsweringNextAppend(): void;
  /** What is appended is answered only when the returned function is called. */
  holdAppendAnswers(): () => void;
  /** As long as a leader is being elected reads and appends are refused, and gossip finds nobody to connect to. */
  setElecting(isElecting: boolean): void;
  /** From now on whoever requires a leader is sent there. */
  follow(leader: EventStoreDouble): void;
  /** Lets nobody in any more, or nobody read all streams. */
  refuse(what: 'everything' | 'readingAll', reason: Partial<StatusObject>): void;
  /** Ends every open subscription. */
  endSubscriptions(reason: Partial<StatusObject>): void;
  /** How many events its readers and subscribers have been sent. */
  eventsSent(): number;
  close(): Promise<void>;
}

/** One node as its tests make it. */
interface Node {
  log: EventStoreDbLog;
  clockAheadMs: number;
  eventsSent: number;
  isElecting: boolean;
  leader: EventStoreDouble | undefined;
  subscriptions: Set<ReadCall>;
  /** Undefined: answers go out at once. */
  heldAnswers: (() => void)[] | undefined;
  commitMs: number;
  /** Appends that are being committed, by stream and first id. */
  committing: Map<string, { wasRepeated: boolean }>;
  refused: { what: 'everything' | 'readingAll'; reason: Partial<StatusObject> } | undefined;
  /** How many appends were repeated while they were being committed. */
  repeatedAtOnce: number;
  /** False where the node dies first. */
  mayAnswer(written: Written): boolean;
}

/**
 * Speaks EventStoreDB's protocol as a single node of 23.10 does, as far as appending, reading and subscribing to `$all`
 * go. Written down from what a real server was seen to answer; `EVENTSTOREDB_URL` runs the same suite over a real one.
 */
export async function startEventStoreDouble(
  { eventLog = new EventStoreDbLog(), clockAheadMs = 0, commitMs = 3, isUntrusted = false }: EventStoreDoubleOptions = {},
): Promise<EventStoreDouble> {
  const sockets = new Set<Socket>();
  let diesNext = false;
  let port = 0;

  const server = new Server();
  const mayAnswer = (written: Written): boolean => {
    if (!diesNext || written.kind !== 'written') return true;
    diesNext = false;
    void kill();
    return false;
  };
  const node: Node = {
    log: eventLog, clockAheadMs, mayAnswer, eventsSent: 0, isElecting: false, leader: undefined, subscriptions: new Set(),
    heldAnswers: undefined, commitMs, committing: new Map(), repeatedAtOnce: 0, refused: undefined,
  };
  server.addService(streamsService.StreamsService, streamsOf(node));
  server.addService(serverFeaturesService.ServerFeaturesService, serverFeaturesOf());
  server.addService(gossipService.GossipService, gossipOf(node, () => port));
  const own = { private_key: Buffer.from(selfSigned.key), cert_chain: Buffer.from(selfSigned.certificate) };
  const connections = server.createConnectionInjector(
    isUntrusted ? ServerCredentials.createSsl(null, [own]) : ServerCredentials.createInsecure());

  const listener = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    connections.injectConnection(socket);
  });
  const listen = async (): Promise<void> => {
    listener.listen(port, '127.0.0.1');
    await once(listener, 'listening');
    port = (listener.address() as AddressInfo).port;
  };
  const kill = async (): Promise<void> => {
    if (!listener.listening) return;
    const closed = once(listener, 'close');
    listener.close();
    // Node cannot reset what is being shut down: it would neither close the socket nor, later, itself come to an end.
    for (const socket of sockets) {
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
    await closed;
  };

  await listen();
  return {
    connectionString: `esdb://127.0.0.1:${port}?tls=${isUntrusted}`,
    eventLog,
    port: () => port,
    kill,
    restart: async () => {
      if (!listener.listening) await listen();
    },
    dieBeforeAnsweringNextAppend: () => {
      diesNext = true;
    },
    holdAppendAnswers: () => {
      const held: (() => void)[] = [];
      node.heldAnswers = held;
      return () => {
        node.heldAnswers = undefined;
        for (const answer of held) answer();
      };
    },
    setElecting: (isElecting) => {
      node.isElecting = isElecting;
    },
    follow: (leader) => {
      node.leader = leader;
    },
    refuse: (what, reason) => {
      node.refused = { what, reason };
    },
    endSubscriptions: (reason) => {
      for (const call of node.subscriptions) call.emit('error', reason);
    },
    eventsSent: () => node.eventsSent,
    close: async () => {
      await kill();
      connections.destroy();
      server.forceShutdown();
    },
  };
}

function streamsOf(node: Node): IStreamsServer {
  const { log } = node;
  return {
    read: (call) => {
      const write = call.write.bind(call);
      call.write = (response: streams.ReadResp) => {
        if (response.hasEvent()) node.eventsSent += 1;
        return write(response);
      };
      const options = call.request.getOptions()!;
      if (node.refused && (node.refused.what === 'everything' || options.hasAll())) {
        call.emit('error', node.refused.reason);
        return;
      }
      if (options.hasSubscription()) {
        node.subscriptions.add(call);
        call.on('cancelled', () => node.subscriptions.delete(call)).on('close', () => node.subscriptions.delete(call));
      } else if (node.isElecting) {
        call.emit('error', { code: status.UNAVAILABLE, details: NOT_READY });
        return;
      }
      if (isSentToLeader(node, call)) {
        call.emit('error', notLeader(node.leader!));
        return;
      }
      const read = options.hasSubscription() ? subscribeToAll : options.hasAll() ? readAll : readStream;
      read(log, call, options).catch((error: unknown) => call.destroy(error as Error));
    },

    append: (call, callback) => {
      const proposed: ProposedRecord[] = [];
      let options: streams.AppendReq.Options;
      call.on('data', (request: streams.AppendReq) => {
        if (request.hasOptions()) options = request.getOptions()!;
        else proposed.push(proposedRecord(request.getProposedMessage()!));
      });
      call.on('end', () => {
        const stream = nameOf(options.getStreamIdentifier());
        commit(node, stream, expectedOf(options), proposed, (written) => {
          if (call.cancelled) return;
          if (written.kind === 'written') callback(null, new AppendResp().setSuccess(appended(written)));
          else if (written.kind === 'wrongExpectedVersion') callback(null, notAppended(written.actual, options));
          else callback(refusal(stream, written));
        });
      });
    },

    batchAppend: (call) => {
      const batches = new Map<string, { options: streams.BatchAppendReq.Options; proposed: ProposedRecord[] }>();
      call.on('data', (request: streams.BatchAppendReq) => {
        if (isSentToLeader(node, call)) {
          call.emit('error', notLeader(node.leader!));
          return;
        }
        const id = request.getCorrelationId()!.getString();
        const batch = batches.get(id) ?? { options: request.getOptions()!, proposed: [] };
        batches.set(id, batch);
        batch.proposed.push(...request.getProposedMessagesList().map(proposedRecord));
        if (!request.getIsFinal()) return;
        batches.delete(id);
        const identifier = batch.options.getStreamIdentifier();
        const response = new BatchAppendResp().setCorrelationId(request.getCorrelationId()).setStreamIdentifier(identifier);
        const unhandled = unhandledBatch(node, batch.options);
        if (unhandled) {
          call.write(response.setError(unhandled));
          return;
        }
        commit(node, nameOf(identifier), expectedOfBatch(batch.options), batch.proposed, (written) => {
          const answer = () => void (!call.cancelled && call.write(written.kind === 'written'
            ? response.setSuccess(batchAppended(written)) : response.setError(batchRefusal(written, batch.options))));
          if (node.heldAnswers) node.heldAnswers.push(answer);
          else answer();
        });
      });
      call.on('end', () => call.end());
    },

    delete: (call, callback) => {
      const options = call.request.getOptions()!;
      const stream = nameOf(options.getStreamIdentifier());
      const written = log.delete(stream, expectedOf(options));
      if (written.kind !== 'written') callback(refusal(stream, written));
      else callback(null, new DeleteResp().setPosition(at(new DeleteResp.Position(), written.position!)));
    },

    tombstone: (call, callback) => {
      const options = call.request.getOptions()!;
      const stream = nameOf(options.getStreamIdentifier());
      const written = log.tombstone(stream, expectedOf(options));
      if (written.kind !== 'written') callback(refusal(stream, written));
      else callback(null, new TombstoneResp().setPosition(at(new TombstoneResp.Position(), written.position!)));
    },
  };
}

// Appending

/**
 * Answers when the write is on disk. What arrives a second time meanwhile is answered at the commit timeout, and of every
 * second append that this happens to the first is, too: the real server was seen to do either.
 */
function commit(
  node: Node, stream: string, expected: Expected, proposed: readonly ProposedRecord[], answer: (written: Answered) => void,
): void {
  const answerLate = () => void setTimeout(answer, COMMIT_TIMEOUT_MS, { kind: 'commitTimeout' }).unref();
  const append = `${stream} ${proposed[0]?.id}`;
  const underWay = node.committing.get(append);
  if (underWay) {
    underWay.wasRepeated = true;
    answerLate();
    return;
  }
  const before = node.log.all.length;
  const written = node.log.append(stream, expected, proposed);
  if (!node.mayAnswer(written)) return;
  if (node.log.all.length === before || node.commitMs === 0) {
    answer(written);
    return;
  }
  const own = { wasRepeated: false };
  node.committing.set(append, own);
  setTimeout(() => {
    node.committing.delete(append);
    if (own.wasRepeated && (node.repeatedAtOnce += 1) % 2 === 0) answerLate();
    else answer(written);
  }, node.commitMs);
}

// Reading

async function readStream(log: EventStoreDbLog, call: ReadCall, options: streams.ReadReq.Options): Promise<void> {
  const { stream, from } = startInStream(options.getStream()!);
  const found = log.readStream(stream);
  if (found.kind === 'streamDeleted') {
    call.emit('error', refusal(stream, found));
    return;
  }
  if (found.kind === 'notFound') {
    const notFound = new ReadResp.StreamNotFound().setStreamIdentifier(options.getStream()!.getStreamIdentifier());
    await send(call, new ReadResp().setStreamNotFound(notFound));
    call.end();
    return;
  }
  const inOrder = options.getReadDirection() === BACKWARDS
    ? found.records.filter((record) => from === 'end' || (from !== 'start' && record.revision <= from)).toReversed()
    : found.records.filter((record) => from === 'start' || (from !== 'end' && record.revision >= from));
  await sendAll(call, inOrder.slice(0, Number(options.getCount())));
}

async function readAll(log: EventStoreDbLog, call: ReadCall, options: streams.ReadReq.Options): Promise<void> {
  const from = startInAll(options.getAll()!);
  // Forwards a position is read itself, backwards what lies before it.
  const inOrder = options.getReadDirection() === BACKWARDS
    ? log.all.filter((record) => from === 'end' || (from !== 'start' && record.position < from)).toReversed()
    : log.all.filter((record) => from === 'start' || (from !== 'end' && record.position >= from));
  await sendAll(call, inOrder.slice(0, Number(options.getCount())));
}

/** History after the given position, `caughtUp`, then live; with a filter, a checkpoint after every so many events seen. */
async function subscribeToAll(log: EventStoreDbLog, call: ReadCall, options: streams.ReadReq.Options): Promise<void> {
  if (!options.hasAll()) {
    call.emit('error', { code: status.UNIMPLEMENTED, details: 'The double subscribes to $all only' });
    return;
  }
  const from = startInAll(options.getAll()!);
  const filter = options.getFilter();
  const matches = matcherOf(filter);
  const checkpointEvery = filter ? (filter.getMax() || 32) * filter.getCheckpointintervalmultiplier() : Infinity;
  const start = from === 'end' ? log.all.length : from === 'start' ? 0 : log.all.findIndex((record) => record.position > from);
  const ended = new AbortController();
  call.on('cancelled', () => ended.abort()).on('close', () => ended.abort());

  await send(call, new ReadResp().setConfirmation(new ReadResp.SubscriptionConfirmation().setSubscriptionId(randomUUID())));
  let next = start < 0 ? log.all.length : start;
  let seen = 0;
  let matched = 0;
  let isCaughtUp = false;
  while (!ended.signal.aborted) {
    const record = log.all[next];
    if (!record) {
      // As servers before 2025: a filtered subscription that goes live before its first checkpoint is told (-1, -1).
      if (!isCaughtUp && filter && from === 'start' && matched === 0 && seen < checkpointEvery) {
        await send(call, new ReadResp().setCheckpoint(at(new ReadResp.Checkpoint(), NO_POSITION)));
      }
      if (!isCaughtUp) await send(call, new ReadResp().setCaughtUp(new ReadResp.CaughtUp()));
      isCaughtUp = true;
      if (next === log.all.length) await once(log, 'appended', { signal: ended.signal }).catch(() => undefined);
      continue;
    }
    next += 1;
    seen += 1;
    const isMatch = matches(record);
    if (isMatch) {
      matched += 1;
      await send(call, readEvent(record));
    }
    if (seen % checkpointEvery === 0) {
      // Again that of the event just sent, else one that need not be an event's: the log holds other records too.
      const reached = isMatch ? record.position : record.position + 1n;
      await send(call, new ReadResp().setCheckpoint(at(new ReadResp.Checkpoint(), reached)));
    }
  }
}

function matcherOf(filter: streams.ReadReq.Options.FilterOptions | undefined): (record: LogRecord) => boolean {
  if (!filter) return () => true;
  const onStream = filter.getStreamIdentifier();
  const expression = onStream ?? filter.getEventType()!;
  const regex = expression.getRegex() ? new RegExp(expression.getRegex()) : undefined;
  const prefixes = expression.getPrefixList();
  return (record) => {
    const subject = onStream ? record.stream : record.type;
    return regex ? regex.test(subject) : prefixes.some((prefix) => subject.startsWith(prefix));
  };
}

async function sendAll(call: ReadCall, records: readonly LogRecord[]): Promise<void> {
  for (const record of records) {
    if (call.cancelled) return;
    await send(call, readEvent(record));
  }
  call.end();
}

/** Waits for a slow reader, unless it is gone. */
async function send(call: ReadCall, response: streams.ReadResp): Promise<void> {
  if (call.cancelled || call.destroyed || call.write(response)) return;
  const gone = new AbortController();
  call.once('cancelled', () => gone.abort());
  await once(call, 'drain', { signal: gone.signal }).catch(() => undefined);
}

function readEvent(record: LogRecord): streams.ReadResp {
  const recorded = at(new ReadResp.ReadEvent.RecordedEvent(), record.position)
    .setId(new shared.UUID().setString(record.id))
    .setStreamIdentifier(new shared.StreamIdentifier().setStreamName(Buffer.from(record.stream)))
    .setStreamRevision(String(record.revision))
    .setData(record.data)
    .setCustomMetadata(record.metadata);
  const ticksPerMillisecond = 10_000n;
  recorded.getMetadataMap().set('type', record.type).set('content-type', record.contentType)
    .set('created', String(BigInt(record.created.getTime()) * ticksPerMillisecond));
  return new ReadResp().setEvent(new ReadResp.ReadEvent().setEvent(recorded).setCommitPosition(String(record.position)));
}

// Refusing

const NOT_READY = 'Server Is Not Ready';

/** Without the header a follower forwards what only a leader may do. */
const isSentToLeader = (node: Node, call: { metadata: Metadata }): boolean =>
  node.leader !== undefined && call.metadata.get('requires-leader')[0] === 'true';

function notLeader(leader: EventStoreDouble): Partial<StatusObject> {
  const metadata = new Metadata();
  metadata.set('exception', 'not-leader');
  metadata.set('leader-endpoint-host', '127.0.0.1');
  metadata.set('leader-endpoint-port', String(leader.port()));
  return { code: status.NOT_FOUND, details: 'Leader info available', metadata };
}

/** What keeps a batch from being looked at: no leader, or a deadline that has passed by the server's clock. */
function unhandledBatch(node: Node, options: streams.BatchAppendReq.Options): rpcStatus.Status | undefined {
  const detail = new anyMessage.Any();
  if (node.isElecting) {
    detail.pack(new shared.Empty().serializeBinary(), 'google.protobuf.Empty');
    return new rpcStatus.Status().setMessage(NOT_READY).setDetails(detail);
  }
  if (options.getDeadline()!.toDate().getTime() > Date.now() + node.clockAheadMs) return undefined;
  detail.pack(new shared.Timeout().serializeBinary(), 'event_store.client.Timeout');
  return new rpcStatus.Status().setDetails(detail);
}

type Answered = Written | { kind: 'commitTimeout' };
type Refused = Exclude<Answered, { kind: 'written' }>;

/** As the calls outside a batch carry it: the exception's name and details in the trailers. */
function refusal(stream: string, refused: Refused): Partial<StatusObject> {
  const metadata = new Metadata();
  metadata.set('stream-name', stream);
  switch (refused.kind) {
    case 'streamDeleted':
      metadata.set('exception', 'stream-deleted');
      return { code: status.FAILED_PRECONDITION, details: `Event stream '${stream}' is deleted.`, metadata };
    case 'tooLarge':
      metadata.set('exception', 'maximum-append-size-exceeded');
      metadata.set('maximum-append-size', String(MAX_APPEND_SIZE));
      return { code: status.INVALID_ARGUMENT, details: `Maximum Append Size of ${MAX_APPEND_SIZE} Exceeded.`, metadata };
    case 'wrongExpectedVersion':
      metadata.set('exception', 'wrong-expected-version');
      metadata.set('expected-version', '-1');
      if (refused.actual !== undefined) metadata.set('actual-version', String(refused.actual));
      return { code: status.FAILED_PRECONDITION, details: 'Wrong expected version.', metadata };
    case 'commitTimeout':
      return { code: status.DEADLINE_EXCEEDED, details: '', metadata };
  }
}

/** As a batch carries it: a google.rpc.Status with one detail. */
function batchRefusal(refused: Refused, options: streams.BatchAppendReq.Options): rpcStatus.Status {
  const detail = new anyMessage.Any();
  switch (refused.kind) {
    case 'streamDeleted': {
      const deleted = new shared.StreamDeleted().setStreamIdentifier(options.getStreamIdentifier());
      detail.pack(deleted.serializeBinary(), 'event_store.client.StreamDeleted');
      break;
    }
    case 'tooLarge': {
      const tooLarge = new shared.MaximumAppendSizeExceeded().setMaxappendsize(MAX_APPEND_SIZE);
      detail.pack(tooLarge.serializeBinary(), 'event_store.client.MaximumAppendSizeExceeded');
      break;
    }
    case 'wrongExpectedVersion': {
      const wrong = new shared.WrongExpectedVersion();
      if (refused.actual === undefined) wrong.setCurrentNoStream(options.getNoStream());
      else wrong.setCurrentStreamRevision(String(refused.actual));
      if (options.hasNoStream()) wrong.setExpectedNoStream(options.getNoStream());
      else if (options.hasStreamExists()) wrong.setExpectedStreamExists(options.getStreamExists());
      else wrong.setExpectedStreamPosition(options.getStreamPosition());
      detail.pack(wrong.serializeBinary(), 'event_store.client.WrongExpectedVersion');
      break;
    }
    case 'commitTimeout':
      detail.pack(new shared.Timeout().serializeBinary(), 'event_store.client.Timeout');
      break;
  }
  return new rpcStatus.Status().setDetails(detail);
}

function notAppended(actual: bigint | undefined, options: streams.AppendReq.Options): streams.AppendResp {
  const wrong = new AppendResp.WrongExpectedVersion();
  if (actual === undefined) wrong.setCurrentNoStream(new shared.Empty());
  else wrong.setCurrentRevision(String(actual));
  if (options.hasNoStream()) wrong.setExpectedNoStream(new shared.Empty());
  else if (options.hasStreamExists()) wrong.setExpectedStreamExists(new shared.Empty());
  else wrong.setExpectedRevision(options.getRevision());
  return new AppendResp().setWrongExpectedVersion(wrong);
}

// To and from the wire

type WrittenSuccessfully = Extract<Written, { kind: 'written' }>;

function appended({ revision, position }: WrittenSuccessfully): streams.AppendResp.Success {
  const success = new AppendResp.Success();
  if (revision === undefined) success.setNoStream(new shared.Empty());
  else success.setCurrentRevision(String(revision));
  if (position === undefined) success.setNoPosition(new shared.Empty());
  else success.setPosition(at(new AppendResp.Position(), position));
  return success;
}

function batchAppended({ revision, position }: WrittenSuccessfully): streams.BatchAppendResp.Success {
  const success = new BatchAppendResp.Success();
  if (revision !== undefined) success.setCurrentRevision(String(revision));
  if (position !== undefined) success.setPosition(at(new shared.AllStreamPosition(), position));
  return success;
}

interface Positioned {
  setCommitPosition(value: string): unknown;
  setPreparePosition(value: string): unknown;
}

function at<Message extends Positioned>(message: Message, position: bigint): Message {
  message.setCommitPosition(String(position));
  message.setPreparePosition(String(position));
  return message;
}

const nameOf = (identifier: shared.StreamIdentifier | undefined): string =>
  Buffer.from(identifier!.getStreamName_asU8()).toString('utf8');

type ProposedMessage = streams.AppendReq.ProposedMessage | streams.BatchAppendReq.ProposedMessage;

const proposedRecord = (message: ProposedMessage): ProposedRecord => ({
  id: message.getId()!.getString(),
  type: message.getMetadataMap().get('type')!,
  contentType: message.getMetadataMap().get('content-type')!,
  data: message.getData_asU8(),
  metadata: message.getCustomMetadata_asU8(),
});

type ExpectedRevisionOptions = streams.AppendReq.Options | streams.DeleteReq.Options | streams.TombstoneReq.Options;

const expectedOf = (options: ExpectedRevisionOptions): Expected =>
  options.hasAny() ? 'any' : options.hasNoStream() ? 'noStream' : options.hasStreamExists() ? 'streamExists'
    : BigInt(options.getRevision());

const expectedOfBatch = (options: streams.BatchAppendReq.Options): Expected =>
  options.hasAny() ? 'any' : options.hasNoStream() ? 'noStream' : options.hasStreamExists() ? 'streamExists'
    : BigInt(options.getStreamPosition());

const startInStream = (options: streams.ReadReq.Options.StreamOptions): { stream: string; from: bigint | 'start' | 'end' } => ({
  stream: nameOf(options.getStreamIdentifier()),
  from: options.hasStart() ? 'start' : options.hasEnd() ? 'end' : BigInt(options.getRevision()),
});

const startInAll = (options: streams.ReadReq.Options.AllOptions): bigint | 'start' | 'end' =>
  options.hasStart() ? 'start' : options.hasEnd() ? 'end' : BigInt(options.getPosition()!.getCommitPosition());

// What a client asks when it connects

const serverFeaturesOf = (): IServerFeaturesServer => ({
  getSupportedMethods: (_call, callback) => {
    const methods = ['read', 'append', 'batchappend', 'delete', 'tombstone'].map((name) =>
      new serverFeatures.SupportedMethod().setServiceName('event_store.client.streams.streams').setMethodName(name));
    callback(null, new serverFeatures.SupportedMethods().setEventStoreServerVersion('23.10.6').setMethodsList(methods));
  },
});

const gossipOf = (node: Node, port: () => number): IGossipServer => ({
  read: (_call, callback) => {
    const { LEADER, UNKNOWN } = gossip.MemberInfo.VNodeState;
    const member = new gossip.MemberInfo()
      .setInstanceId(new shared.UUID().setString(randomUUID()))
      .setTimeStamp(String(Date.now()))
      .setState(node.isElecting ? UNKNOWN : LEADER)
      .setIsAlive(true)
      .setHttpEndPoint(new gossip.EndPoint().setAddress('127.0.0.1').setPort(port()));
    callback(null, new gossip.ClusterInfo().setMembersList([member]));
  },
});
