import { Counter, Gauge, Histogram, Registry } from 'prom-client';

const PREFIX = 'peerbridge_';

/** What a process counts. Labels are closed sets of words of the domain: never an id, never a text. */
export class Metrics {
  readonly registry = new Registry();

  /** `outcome`: accepted, repeated, or the error's code. */
  readonly commands = this.counter('commands_total', 'Commands answered', 'command', 'outcome');
  readonly commandDuration = new Histogram({
    name: `${PREFIX}command_duration_seconds`, help: 'Time from command to answer', registers: [this.registry],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  });
  readonly disclosureDecisions = this.counter('disclosure_decisions_total', 'Disclosure decisions', 'role', 'outcome');
  readonly securityEvents = this.counter('security_events_total', 'Attempts to weaken a decision', 'kind');
  readonly projectionLag = this.gauge('projection_lag_events', 'Events the read model is behind the log, counted up to 1000');
  readonly projectionStopped = this.gauge('projection_stopped_participants', 'Persons whose projection has stopped');
  readonly relayLag = this.gauge('relay_lag_events', 'Events the relay is behind the log, counted up to 1000');
  private readonly relayPublished = this.counter(
    'relay_published_total', 'Events that the broker acknowledged, whichever relay published them: the same on every process');

  constructor() {
    // Known from the first scrape on, so that an alarm can be set on its increase.
    this.securityEvents.inc({ kind: 'overrideHeader' }, 0);
  }

  /** Counted where the relay runs and kept in the database, so that it outlives a restart. */
  setRelayPublished(total: number): void {
    this.relayPublished.reset();
    this.relayPublished.inc(total);
  }

  /** Prometheus text exposition. */
  text(): Promise<string> {
    return this.registry.metrics();
  }

  private counter<Label extends string>(name: string, help: string, ...labelNames: Label[]): Counter<Label> {
    return new Counter({ name: PREFIX + name, help, labelNames, registers: [this.registry] });
  }

  private gauge(name: string, help: string): Gauge {
    return new Gauge({ name: PREFIX + name, help, registers: [this.registry] });
  }
}
