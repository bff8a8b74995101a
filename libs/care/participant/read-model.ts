import {
  changeFacts, needsItem, needsPerson, putItem, putPerson, putTimeline, sharedTables, touchItem, type ItemRef,
} from '@peerbridge/disclosure';
import { defineTable, rowKey, type Projection } from '@peerbridge/projection';
import type { SealedPart } from '@peerbridge/vault';
import { replaceableSegments, type ParticipantFact, type ReplaceableField } from './events.js';

/** A part, and which of its fields no later one has: absent where that is not known, as of what was enrolled with. */
type HeldPart = SealedPart & { holds?: readonly ReplaceableField[] };

export interface ParticipantRow {
  id: string;
  version: number;
  /** In the order they were recorded: later parts win, field by field. As many as there are fields, however often they change. */
  sealed: readonly HeldPart[];
}

export const participantTable = defineTable<ParticipantRow>({
  name: 'participant',
  key: 'id',
  columns: { id: 'uuid', version: 'integer', sealed: 'jsonb' },
});

const itemOf = (id: string): ItemRef => ({ type: 'participant', id });

export const participantProjection: Projection<ParticipantFact> = {
  name: 'participant',
  version: 4,
  tables: [participantTable, ...sharedTables],
  handles: ['ParticipantEnrolled', 'PreferencesChanged', 'ParticipantCorrected'],
  needs: (event) => [
    needsPerson(event), needsItem(itemOf(event.fact.data.participantId)), rowKey(participantTable, event.fact.data.participantId),
  ],
  apply(event, rows) {
    const { fact } = event;
    const id = fact.data.participantId;
    const item = itemOf(id);
    switch (fact.type) {
      case 'ParticipantEnrolled':
        putPerson(rows, {
          participantId: id, homeOrgId: event.metadata.sourceOrgId, consents: [], team: [], restrictedMemberIds: [],
          partyOrgIds: [], ownMemberIds: [], contactsOpenToTeam: fact.data.contactsOpenToTeam,
          enrolledAt: fact.occurredAt,
        });
        rows.put(participantTable, { id, version: fact.revision, sealed: event.sealed });
        putItem(rows, event, { ...item, segments: ['identity'], circles: ['peers', 'treating', 'supervision'] });
        break;
      case 'PreferencesChanged':
      case 'ParticipantCorrected': {
        const row = rows.get(participantTable, id)!;
        rows.put(participantTable, {
          id, version: fact.revision, sealed: replaced(row.sealed, event.sealed, fact.data.holds),
        });
        const contactsOpenToTeam = fact.type === 'PreferencesChanged' ? fact.data.contactsOpenToTeam : undefined;
        if (contactsOpenToTeam !== undefined) changeFacts(rows, event, (facts) => ({ ...facts, contactsOpenToTeam }));
        touchItem(rows, event, item);
        break;
      }
    }
    putTimeline(rows, event, { item, nodeType: 'Participant', nodeId: id });
  },
};

/**
 * The parts to read from now on: of the earlier ones those of which the later say not everything anew.
 * @param fields of the later parts; undefined where their event does not say
 */
export function replaced(
  earlier: readonly HeldPart[], later: readonly SealedPart[], fields: readonly ReplaceableField[] | undefined,
): HeldPart[] {
  if (!fields) return [...earlier, ...later];
  const left = earlier.flatMap((part) => {
    const holds = part.holds?.filter((field) => !fields.includes(field));
    return holds?.length === 0 ? [] : [{ ...part, ...holds && { holds } }];
  });
  return [...left, ...later.map((part) => (
    { ...part, holds: fields.filter((field) => replaceableSegments[field] === part.segment) }))];
}
