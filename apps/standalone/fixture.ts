import { registerOrganizationBinding } from '@peerbridge/care';
import type { CommandExecutor } from '@peerbridge/command';
import { fixtureMembers, fixtureOrganizations } from '@peerbridge/identity';

/** The organizations of the development cast, registered by its privacy officer like any other; a repeat changes nothing. */
export async function registerFixtureOrganizations(executor: CommandExecutor): Promise<void> {
  const { memberId, orgId, name, role } = fixtureMembers.privacyOfficer;
  for (const [key, { id, ...organization }] of Object.entries(fixtureOrganizations)) {
    const input = { commandId: `fixture-${key}`, organizationId: id, ...organization };
    await executor.execute(registerOrganizationBinding, input, { memberId, orgId, name, role });
  }
}
