import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';
import type { Client } from './system.js';

const query = `subscription($id: ID!) { timelineEntryAdded(participantId: $id) {
  id type node { id ... on PeerContact { summary } } } }`;

interface Entry {
  id: string;
  type: string;
  node: { id: string } | null;
}

/** A subscriber to one person's story who sees what happens on the wire, and when. */
export class Listener {
  /** All that has arrived, in order. */
  readonly entries: Entry[] = [];
  readonly errors: unknown[] = [];

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (text) => {
      const { type, payload } = JSON.parse(String(text)) as { type: string; payload?: { data?: { timelineEntryAdded: Entry } } };
      if (type === 'next' && payload?.data) this.entries.push(payload.data.timelineEntryAdded);
      else if (type !== 'connection_ack') this.errors.push({ type, payload });
    });
    socket.on('error', () => undefined);
  }

  static async open(url: string, { token }: Client, participantId: string): Promise<Listener> {
    const socket = new WebSocket(url, 'graphql-transport-ws');
    const listener = new Listener(socket);
    await once(socket, 'open');
    const acknowledged = once(socket, 'message');
    socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization: `Bearer ${token}` } }));
    await acknowledged;
    socket.send(JSON.stringify({ id: randomUUID(), type: 'subscribe', payload: { query, variables: { id: participantId } } }));
    return listener;
  }

  /** Until something is delivered that was not there before. The caller sees to it that something is. */
  async hears(more = 1): Promise<void> {
    for (const wanted = this.entries.length + more; this.entries.length < wanted;) {
      if (this.errors.length > 0) throw new Error(`Not delivered: ${JSON.stringify(this.errors)}`);
      await delay(5);
    }
  }

  /** What the server wrote to the socket before it got this has arrived when this returns. */
  async pong(): Promise<void> {
    const answered = once(this.socket, 'pong');
    this.socket.ping();
    await answered;
  }

  /** Reads no more: the network fills up. */
  stall(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  /** Resolves when the other side has ended the connection. */
  async disconnected(): Promise<void> {
    if (this.socket.readyState !== WebSocket.CLOSED) await once(this.socket, 'close');
  }

  close(): void {
    this.socket.terminate();
  }
}
