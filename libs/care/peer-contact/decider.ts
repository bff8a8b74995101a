import { z } from 'zod';
import {
  forbidden, id, instant, invalid, longText, notFound, settings, someOf, type CommandDefinition, type StreamDefinition,
} from '@peerbridge/kernel';
import {
  activities, continuumStages, dimensions, modalities, peerContactEvents, supportTypes, visibilities,
  type PeerContactEvent, type PeerContactFact,
} from './events.js';

/** A contact stands alone: all that a rule needs of it is that it was logged. */
export interface PeerContactState {
  logged: boolean;
}

export const peerContactStream: StreamDefinition<PeerContactState, PeerContactFact> = {
  category: 'peerContact',
  keyedBy: 'entity',
  events: peerContactEvents,
  initialState: () => ({ logged: false }),
  evolve: (state, fact) => (fact.type === 'PeerContactLogged' ? { logged: true } : state),
  entityOf: (fact) => fact.data.contactId,
};

export interface PeerContactFacts {
  /** The caller's on this person's team; a former one counts only if it stood at `occurredAt`, else it is none. */
  membership: 'current' | 'former' | 'none';
  /** They see the person, on the team or not. */
  visible: boolean;
  /** The person's standing preference. */
  contactsOpenToTeam: boolean;
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
}).refine(({ startedAt, endedAt }) => endedAt > startedAt, {
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
  // A worker who has left the team no longer sees the person, and may still enter what happened before.
  subject: ({ participantId }) => ({ kind: 'participant', id: participantId, unseen: true }),
  authorize({ facts }) {
    if (facts.membership !== 'none') return;
    throw facts.visible ? forbidden('Not on this care team.') : notFound('participant');
  },
  decide({ input, now, newId, facts }) {
    const ahead = (['startedAt', 'endedAt'] as const).filter((field) => input[field] > now);
    if (ahead.length > 0) throw invalid('A contact is logged after it took place.', ...ahead);
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
  decide({ input }, state) {
    if (!state.logged) throw notFound('contact');
    return [{ type: 'ContactVisibilitySet', data: input }];
  },
};

export const peerContactCommands = [logPeerContact, setContactVisibility];
