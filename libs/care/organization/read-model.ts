import { organizationTable } from '@peerbridge/disclosure';
import type { Projection } from '@peerbridge/projection';
import type { OrganizationFact } from './events.js';

/** The directory that disclosure names organizations from. */
export const organizationProjection: Projection<OrganizationFact> = {
  name: 'organization',
  version: 1,
  tables: [organizationTable],
  handles: ['OrganizationRegistered'],
  needs: () => [],
  apply({ fact }, rows) {
    const { organizationId, name, alias, part2Program } = fact.data;
    rows.put(organizationTable, {
      id: organizationId, name, alias: alias ?? null, part2_program: part2Program, version: fact.revision,
    });
  },
};
