import { z } from 'zod';
import { DomainError, id, shortText, type CommandDefinition, type StreamDefinition } from '@peerbridge/kernel';
import { organizationEvents, type OrganizationEvent, type OrganizationFact } from './events.js';

export interface OrganizationState {
  registered: { revision: number } | undefined;
}

export const organizationStream: StreamDefinition<OrganizationState, OrganizationFact> = {
  category: 'organization',
  keyedBy: 'entity',
  events: organizationEvents,
  initialState: () => ({ registered: undefined }),
  evolve: (_state, fact) => ({ registered: { revision: fact.revision } }),
  entityOf: (fact) => fact.data.organizationId,
};

const registration = z.object({
  organizationId: id.optional(),
  name: shortText,
  alias: shortText.optional(),
  part2Program: z.boolean().default(true),
});

/** @throws DomainError VERSION_CONFLICT where the id is taken */
export const registerOrganization: CommandDefinition<z.infer<typeof registration>, OrganizationState, OrganizationEvent> = {
  name: 'registerOrganization',
  roles: ['privacyOfficer'],
  input: registration,
  subject: ({ organizationId }, _caller, newId) => ({ kind: 'unborn', type: 'organization', id: organizationId ?? newId() }),
  decide({ input, newId }, { registered }) {
    if (registered) {
      throw new DomainError('VERSION_CONFLICT', 'This id is taken.', { actualVersion: registered.revision });
    }
    return [{ type: 'OrganizationRegistered', data: { ...input, organizationId: input.organizationId ?? newId() } }];
  },
};

export const organizationCommands = [registerOrganization];
