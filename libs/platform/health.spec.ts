import { describe, expect, it } from '@jest/globals';
import { readiness, type HealthSources } from './health.js';
import { Metrics } from './metrics.js';

const healthy: HealthSources = {
  store: () => ({ status: 'up' }),
  database: async () => ({ status: 'up' }),
  projector: () => ({ status: 'up', lagEvents: 3, stoppedParticipants: 0 }),
  relay: () => ({ status: 'up', enabled: true }),
};

describe('Readiness', () => {
  it('is ok while every component is up', async () => {
    expect(await readiness(healthy)).toEqual({
      status: 'ok',
      details: {
        store: { status: 'up' }, database: { status: 'up' },
        projector: { status: 'up', lagEvents: 3, stoppedParticipants: 0 }, relay: { status: 'up', enabled: true },
      },
    });
  });

  it('counts a relay that is off as up', async () => {
    const answer = await readiness({ ...healthy, relay: () => ({ status: 'down', enabled: false }) });
    expect(answer).toMatchObject({ status: 'ok', details: { relay: { status: 'up', enabled: false } } });
  });

  it('does not rest on the relay: the API answers while Kafka is away', async () => {
    const answer = await readiness({ ...healthy, relay: () => ({ status: 'down', enabled: true }) });
    expect(answer).toMatchObject({ status: 'ok', details: { relay: { status: 'down', enabled: true } } });
  });

  it('is an error when a component is down, and says which but not why', async () => {
    const answer = await readiness({
      ...healthy, store: () => ({ status: 'down', reason: 'password authentication failed for peerbridge' }),
      database: async () => { throw new Error('connect ECONNREFUSED db.internal'); },
    });
    expect(answer).toMatchObject({ status: 'error', details: { store: { status: 'down' }, database: { status: 'down' } } });
    expect(JSON.stringify(answer)).not.toMatch(/password|internal/);
  });
});

describe('Metrics', () => {
  it('are those of the interface, by name and label', async () => {
    const metrics = new Metrics();
    metrics.commands.inc({ command: 'logPeerContact', outcome: 'accepted' });
    metrics.commandDuration.observe(0.002);
    metrics.disclosureDecisions.inc({ role: 'peer', outcome: 'permitted' });
    metrics.projectionLag.set(2);
    const text = await metrics.text();
    const names = [...text.matchAll(/^# TYPE (\S+) (\S+)/gm)].map(([, name, type]) => `${name} ${type}`);
    expect(names).toEqual([
      'peerbridge_commands_total counter', 'peerbridge_command_duration_seconds histogram',
      'peerbridge_disclosure_decisions_total counter', 'peerbridge_security_events_total counter',
      'peerbridge_projection_lag_events gauge', 'peerbridge_projection_stopped_participants gauge',
      'peerbridge_relay_lag_events gauge', 'peerbridge_relay_published_total counter',
    ]);
    expect(text).toContain('peerbridge_commands_total{command="logPeerContact",outcome="accepted"} 1');
    expect(text).toContain('peerbridge_security_events_total{kind="overrideHeader"} 0');
    expect(text).toContain('peerbridge_projection_lag_events 2');
  });
});
