import type { z } from 'zod';
import type { Confidentiality, PurposeOfUse, Role, Segment } from './vocabulary.js';

/** Who acted, as the log keeps it: never a name, never a token's subject. */
export interface Actor {
  id: string;
  role: Role;
  orgId: string;
}

export interface Labels {
  segments: readonly Segment[];
  /** Held under 42 CFR Part 2. */
  part2: boolean;
  confidentiality: Confidentiality;
}

/** What travels with every event in the clear: types, labels, ids and times, never protected text. */
export interface EventMetadata {
  eventId: string;
  type: string;
  schemaVersion: number;
  stream: string;
  /** When it happened, RFC 3339 UTC with milliseconds. */
  occurredAt: string;
  /** When we wrote it down, RFC 3339 UTC with milliseconds. */
  recordedAt: string;
  actor: Actor;
  onBehalfOf?: string;
  purpose: PurposeOfUse;
  /** The organization the item belongs to: the one whose worker wrote it. */
  sourceOrgId: string;
  participantId?: string;
  labels: Labels;
  /** A UUID: as it was sent, or a keyed one of what was sent. In what earlier releases wrote, the text as it was sent. */
  commandId: string;
  /** Which of its command's events it is, from 0. What earlier releases wrote does not say. */
  commandIndex?: number;
  /** Keyed hash of the command's body, to tell a repeat from a re-used id. */
  bodyHash: string;
  $correlationId: string;
  $causationId: string;
  consentRefs: readonly string[];
}

/** One segment's fields of one event, AES-256-GCM; additional data is eventId, type, schemaVersion and segment. Base64. */
export interface SealedFields {
  keyId: string;
  nonce: string;
  ciphertext: string;
}

export interface EventData {
  open: Record<string, unknown>;
  sealed: Partial<Record<Segment, SealedFields>>;
}

/** What stands in place of a field whose key was destroyed. */
export const SHREDDED = 'SHREDDED' as const;
export type Shredded = typeof SHREDDED;

type AnyObject = Record<string, unknown>;

/**
 * The definition of one event type: its current schema, which of its fields are sealed under which segment's key (all
 * others are open: rules, filters and sorts may rest on them), and how older versions become the current one.
 */
export interface EventDefinition<
  Type extends string = string, Data extends object = AnyObject, SealedKey extends string = string,
> {
  readonly type: Type;
  readonly version: number;
  readonly schema: z.ZodType<Data>;
  readonly sealed: (data: Data) => Readonly<Partial<Record<SealedKey, Segment>>>;
  /** The segments the event belongs to. An event that cannot say is given all of them. */
  readonly segments: (data: Data) => readonly Segment[];
  /** `upcasters[v]` turns the data (open, or one segment's opened fields) of version v into those of v + 1. */
  readonly upcasters: Readonly<Record<number, (data: AnyObject) => AnyObject>>;
}

/** Any event's definition, whatever its data: what streams and registries hold. */
export type AnyEventDefinition = Omit<EventDefinition<string, never, string>, 'schema'> & { readonly schema: z.ZodType<object> };

type NothingSealed = Record<never, Segment>;

export function defineEvent<
  const Type extends string, Data extends object,
  const Sealed extends Partial<Record<Extract<keyof Data, string>, Segment>> = NothingSealed,
>(definition: {
  type: Type;
  version?: number;
  schema: z.ZodType<Data>;
  /** A map from field to segment, or a function of the data where the segment depends on it. */
  sealed?: Sealed | ((data: Data) => Sealed);
  segments: (data: Data) => readonly Segment[];
  upcasters?: Record<number, (data: AnyObject) => AnyObject>;
}): EventDefinition<Type, Data, Extract<keyof Sealed, string>> {
  const sealed = definition.sealed ?? ({} as Sealed);
  return {
    type: definition.type,
    version: definition.version ?? 1,
    schema: definition.schema,
    sealed: (data) =>
      (typeof sealed === 'function' ? sealed(data) : sealed) as Partial<Record<Extract<keyof Sealed, string>, Segment>>,
    segments: definition.segments,
    upcasters: definition.upcasters ?? {},
  };
}

/** The event a decider returns: every field in the clear, before sealing. */
export type NewEventOf<D> = D extends EventDefinition<infer Type, infer Data, string> ? { type: Type; data: Data } : never;

/** The event a decider folds: open fields only, so that no rule can rest on what may be shredded. */
export type FactOf<D> = D extends EventDefinition<infer Type, infer Data, infer SealedKey>
  ? { type: Type; data: Omit<Data, SealedKey> } & FactContext
  : never;

/** What `evolve` may know of an event beside its open data. */
export interface FactContext {
  eventId: string;
  actor: Actor;
  occurredAt: string;
  recordedAt: string;
  /** The event's revision in its stream. */
  revision: number;
}
