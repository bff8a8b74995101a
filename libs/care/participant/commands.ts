import { bind, type FactsContext } from '@peerbridge/command';
import { participantFields, permitsField, permitsSegment, type ParticipantField } from '@peerbridge/disclosure';
import { changePreferences, correctParticipant, enrollParticipant, participantStream } from './decider.js';

/** Of the person who has the id already, if anybody does. */
async function enrollingFacts({ input, caller, session }: FactsContext<{ participantId?: string }>) {
  const access = await session.decision(input.participantId ?? caller.participantId ?? '');
  return { knowsVersion: access !== undefined && permitsSegment(access.decision, 'identity', access.facts.homeOrgId) };
}

export const enrollParticipantBinding = bind(participantStream, enrollParticipant, { facts: enrollingFacts });

const recordFacts = async ({ access, caller }: FactsContext<object>) => ({
  onTeam: access?.decision.onTeam ?? false,
  ofHomeOrganization: access?.facts.homeOrgId === caller.orgId,
  reads: (Object.keys(participantFields) as ParticipantField[])
    .filter((field) => access !== undefined && permitsField(access.decision, field)),
});

export const correctParticipantBinding = bind(participantStream, correctParticipant, { facts: recordFacts });
export const changePreferencesBinding = bind(participantStream, changePreferences, {
  facts: recordFacts,
  withdrawal: ({ contactsOpenToTeam }) => contactsOpenToTeam === false,
});
