import { bind, type FactsContext } from '@peerbridge/command';
import { participantFields, permitsField, permitsSegment, type ParticipantField } from '@peerbridge/disclosure';
import { changePreferences, enrollParticipant, participantStream } from './decider.js';

/** Of the person who has the id already, if anybody does. */
async function enrollingFacts({ input, caller, session }: FactsContext<{ participantId?: string }>) {
  const access = await session.decision(input.participantId ?? caller.participantId ?? '');
  return { knowsVersion: access !== undefined && permitsSegment(access.decision, 'identity', access.facts.homeOrgId) };
}

export const enrollParticipantBinding = bind(participantStream, enrollParticipant, { facts: enrollingFacts });

export const changePreferencesBinding = bind(participantStream, changePreferences, {
  facts: async ({ access }) => ({
    onTeam: access?.decision.onTeam ?? false,
    reads: (Object.keys(participantFields) as ParticipantField[])
      .filter((field) => access !== undefined && permitsField(access.decision, field)),
  }),
  withdrawal: ({ contactsOpenToTeam }) => contactsOpenToTeam === false,
});
