import { z } from 'zod';
import {
  forbidden, id, instant, invalid, invalidTransition, longText, notFound, settings, someOf,
  type Caller, type CommandDefinition, type StreamDefinition,
} from '@peerbridge/kernel';
import {
  activities, continuumStages, dimensions, modalities, peerContactEvents, supportTypes, visibilities,
  type Modality, type PeerContactEvent, type PeerContactFact,
} from './events.js';

/** What the rules need of a contact, once it is written. */
export interface Contact {
  author: { memberId: string; orgId: string };
  startedAt: string;
  endedAt: string;
  modality: Modality;
  amendments: number;
  enteredInError: boolean;
}

/** A contact stands alone. */
export interface PeerContactState {
  contact?: Contact;
}

export const peerContactStream: StreamDefinition<PeerContactState, PeerContactFact> = {
  category: 'peerContact',
  keyedBy: 'entity',
  events: peerContactEvents,
  initialState: () => ({}),
  evolve(state, fact) {
    const { contact } = state;
    switch (fact.type) {
      case 'PeerContactLogged': {
        const { actor, data: { startedAt, endedAt, modality } } = fact;
        const author = { memberId: actor.id, orgId: actor.orgId };
        return { contact: { author, startedAt, endedAt, modality, amendments: 0, enteredInError: false } };
      }
      case 'PeerContactAmended': {
        if (!contact) return state;
        const { startedAt = contact.startedAt, endedAt = contact.endedAt, modality = contact.modality } = fact.data;
        return { contact: { ...contact, startedAt, endedAt, modality, amendments: contact.amendments + 1 } };
      }
      case 'ContactEnteredInError':
        return contact ? { contact: { ...contact, enteredInError: true } } : state;
      default:
        return state;
    }
  },
  entityOf: (fact) => fact.data.contactId,
};

export interface PeerContactFacts {
  /** The caller's on this person's team, now and when it took place. */
  membership: 'current' | 'notThen' | 'former' | 'none';
  /** They see the person, on the team or not. */
  visible: boolean;
  /** The person's standing preference. */
  contactsOpenToTeam: boolean;
}

type Span = Pick<Contact, 'startedAt' | 'endedAt' | 'modality'>;

/** A text message may be over as it begins. */
const endsAfterItStarts = ({ startedAt, endedAt, modality }: Span): boolean =>
  endedAt > startedAt || (modality === 'text' && endedAt === startedAt);

/** @throws DomainError VALIDATION naming those of the times that lie ahead */
function assertTookPlace(times: { startedAt?: string; endedAt?: string }, now: string): void {
  const ahead = (['startedAt', 'endedAt'] as const).filter((field) => (times[field] ?? '') > now);
  if (ahead.length > 0) throw invalid('A contact is written down after it took place.', ...ahead);
}

const logInput = z.object({
  participantId: id,
  startedAt: instant,
  endedAt: instant,
  modality: z.enum(modalities),
  setting: z.enum(settings).optional(),
  continuumStage: z.enum(continuumStages).optional(),
  supportTypes: someOf(supportTypes),
  activities: z.array(z.enum(activities)).default([]),
  dimensions: z.array(z.enum(dimensions)).default([]),
  goalIds: z.array(id).default([]),
  summary: longText,
  narrative: longText.optional(),
  coAuthored: z.boolean().default(false),
  livedExperienceShared: z.boolean().default(false),
  visibility: z.enum(visibilities).default('personAndPeer'),
}).refine(endsAfterItStarts, {
  path: ['endedAt'], message: 'A contact ends after it starts.', when: ({ issues }) => issues.length === 0,
});

/**
 * A peer writes down what the two of them did, at once or late. That its peer has another contact at that time is
 * flagged afterwards (`overlap.ts`) and never refused.
 */
export const logPeerContact: CommandDefinition<z.infer<typeof logInput>, PeerContactState, PeerContactEvent, PeerContactFacts> = {
  name: 'logPeerContact',
  roles: ['peer'],
  input: logInput,
  happened: ['startedAt', 'endedAt'],
  occurredAt: ({ startedAt }) => startedAt,
  // A worker who has left the team no longer sees the person, and may still enter what happened before.
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId, unseen: true }),
  admit({ facts }) {
    if (facts.membership !== 'none') return;
    throw facts.visible ? forbidden('Not on this care team.') : notFound('participant');
  },
  decide({ input, now, occurredAt, newId, facts }) {
    assertTookPlace(input, now);
    if (facts.membership === 'notThen') {
      throw invalid('Not on this care team at that time.', occurredAt === input.startedAt ? 'startedAt' : 'occurredAt');
    }
    if (input.visibility === 'team' && !input.coAuthored && !facts.contactsOpenToTeam) {
      throw invalid('Only the person opens a contact to the team.', 'visibility');
    }
    return [{ type: 'PeerContactLogged', data: { contactId: newId(), ...input } }];
  },
};

const visibilityInput = z.object({ contactId: id, visibility: z.enum(visibilities) });

/** The person opens a contact to the team afterwards, or closes it again. */
export const setContactVisibility: CommandDefinition<z.infer<typeof visibilityInput>, PeerContactState, PeerContactEvent> = {
  name: 'setContactVisibility',
  roles: ['person'],
  input: visibilityInput,
  subject: ({ contactId }) => ({ kind: 'item', type: 'peerContact', id: contactId }),
  entity: ({ contactId }) => contactId,
  decide({ input }, { contact }) {
    assertStands(contact);
    return [{ type: 'ContactVisibilitySet', data: input }];
  },
};

/** @throws DomainError NOT_FOUND; INVALID_TRANSITION `enteredInError` where it was struck out */
function assertStands(contact: Contact | undefined): asserts contact is Contact {
  if (!contact) throw notFound('contact');
  if (contact.enteredInError) throw invalidTransition('The contact was struck out.', 'enteredInError');
}

/** @throws DomainError NOT_FOUND; FORBIDDEN_ROLE to anybody but its author, in the record where they wrote it */
function onlyItsAuthor({ caller }: { caller: Caller }, { contact }: PeerContactState): void {
  if (!contact) throw notFound('contact');
  if (contact.author.memberId !== caller.memberId || contact.author.orgId !== caller.orgId) {
    throw forbidden('Only its author corrects a contact.');
  }
}

const amendInput = z.object({
  contactId: id,
  startedAt: instant.optional(),
  endedAt: instant.optional(),
  modality: z.enum(modalities).optional(),
  setting: z.enum(settings).nullable().optional(),
  continuumStage: z.enum(continuumStages).nullable().optional(),
  supportTypes: someOf(supportTypes).optional(),
  activities: z.array(z.enum(activities)).optional(),
  dimensions: z.array(z.enum(dimensions)).optional(),
  goalIds: z.array(id).optional(),
  summary: longText.optional(),
  narrative: longText.nullable().optional(),
  coAuthored: z.boolean().optional(),
  livedExperienceShared: z.boolean().optional(),
});

/** All of them lie in one row of the view. */
export const mostAmendments = 50;

/**
 * Its author, on the team or not any more, corrects what they wrote. Who sees it is the person's to say.
 * @throws DomainError VALIDATION where it would not end after it starts, lies ahead, or was amended `mostAmendments` times
 */
export const amendPeerContact: CommandDefinition<z.infer<typeof amendInput>, PeerContactState, PeerContactEvent> = {
  name: 'amendPeerContact',
  roles: ['peer'],
  input: amendInput,
  clearable: ['setting', 'continuumStage', 'narrative'],
  happened: ['startedAt', 'endedAt'],
  subject: ({ contactId }) => ({ kind: 'item', type: 'peerContact', id: contactId }),
  entity: ({ contactId }) => contactId,
  authorize: onlyItsAuthor,
  decide({ input, now }, { contact }) {
    assertStands(contact);
    if (contact.amendments >= mostAmendments) throw invalid(`Amended ${mostAmendments} times: log it anew.`, 'contactId');
    assertTookPlace(input, now);
    if (!endsAfterItStarts({ ...contact, ...input })) {
      const given = (['endedAt', 'startedAt', 'modality'] as const).filter((field) => input[field] !== undefined);
      throw invalid('A contact ends after it starts.', given[0] ?? 'endedAt');
    }
    return [{ type: 'PeerContactAmended', data: input }];
  },
};

const errorInput = z.object({ contactId: id, reason: longText });

/** Its author, on the team or not any more, strikes out what should not have been written. */
export const markContactEnteredInError: CommandDefinition<z.infer<typeof errorInput>, PeerContactState, PeerContactEvent> = {
  name: 'markContactEnteredInError',
  roles: ['peer'],
  input: errorInput,
  subject: ({ contactId }) => ({ kind: 'item', type: 'peerContact', id: contactId }),
  entity: ({ contactId }) => contactId,
  authorize: onlyItsAuthor,
  decide({ input }, { contact }) {
    assertStands(contact);
    return [{ type: 'ContactEnteredInError', data: input }];
  },
};

export const peerContactCommands = [logPeerContact, setContactVisibility, amendPeerContact, markContactEnteredInError];
