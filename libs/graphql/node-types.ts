import type { Table } from '@peerbridge/projection';
import type { ItemRow, PersonAccess, ViewSession } from '@peerbridge/disclosure';
import type { Presented } from './types.js';

/** How one kind of item becomes a node of the schema. The label has been permitted before `present` is called. */
export interface NodeType<Row extends object, Presentation extends Presented = Presented> {
  /** As in the label: `peerContact`. */
  readonly itemType: string;
  readonly table: Table<Row>;
  present(row: Row, item: ItemRow, access: PersonAccess, session: ViewSession): Promise<Presentation>;
}

export type AnyNodeType = NodeType<never>;

/** How a node that is no item is found: the participant, a worker. */
export type NodeLookUp = (session: ViewSession, id: string) => Promise<Presented | null>;

/** All kinds of nodes, by the type in their label. */
export class NodeTypes {
  private readonly byType = new Map<string, NodeType<object>>();

  constructor(types: readonly AnyNodeType[], private readonly lookUps: readonly NodeLookUp[]) {
    types.forEach((type) => this.byType.set(type.itemType, type as unknown as NodeType<object>));
  }

  /** Any node of the schema; null where the caller may not see it or there is none. */
  async find(session: ViewSession, id: string): Promise<Presented | null> {
    const item = await this.load(session, id);
    if (item) return item;
    // All are asked, and at once: how long it takes does not tell which of them knows the id.
    const nodes = await Promise.all(this.lookUps.map((lookUp) => lookUp(session, id)));
    return nodes.find((node) => node !== null) ?? null;
  }

  /** An item that the session's caller may see, as they may see it; null for every other id. */
  async load(session: ViewSession, id: string, itemType?: string): Promise<Presented | null> {
    const found = await session.item(id);
    const type = found && this.byType.get(found.item.type);
    if (!type || (itemType !== undefined && itemType !== found.item.type)) return null;
    const row = await session.content(type.table, id);
    return row ? type.present(row, found.item, found.access, session) : null;
  }
}
