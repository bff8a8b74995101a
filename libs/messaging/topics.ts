export interface Topic {
  readonly name: string;
  /** Never changed: a key's partition, and so the order of a person's events, rests on it. */
  readonly partitions: number;
}

/** Every domain event, whatever consents say: internal to the deployment, guarded by the broker's access control. */
export const careEvents: Topic = { name: 'care.events.v1', partitions: 12 };
