/** A message as it goes onto the wire. Neither topic, key nor headers may hold protected text. */
export interface OutgoingMessage {
  topic: string;
  /** Messages of one key keep their order. */
  key: string;
  headers: Readonly<Record<string, string>>;
  value: string;
}

export type PublisherHealth = { status: 'up' } | { status: 'down'; reason: string };

export interface Publisher {
  /**
   * Resolves when the broker has acknowledged all of them, in order per key. Rejects when it has not: some may have been
   * published all the same, so publish the same again. One call at a time. With no messages it only makes sure of the broker.
   */
  publish(messages: readonly OutgoingMessage[]): Promise<void>;
  /** What the last call told. */
  health(): PublisherHealth;
  close(): Promise<void>;
}
