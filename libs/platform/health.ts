export type ComponentStatus = 'up' | 'down';

/** Where readiness comes from. Each answers for one component; one that throws is down. */
export interface HealthSources {
  store(): Promise<{ status: ComponentStatus }> | { status: ComponentStatus };
  database(): Promise<{ status: ComponentStatus }> | { status: ComponentStatus };
  projector(): Promise<ProjectorHealth> | ProjectorHealth;
  relay(): Promise<RelayHealth> | RelayHealth;
}

export interface ProjectorHealth {
  status: ComponentStatus;
  lagEvents: number;
  stoppedParticipants: number;
}

export interface RelayHealth {
  status: ComponentStatus;
  enabled: boolean;
}

export interface Readiness {
  status: 'ok' | 'error';
  details: {
    store: { status: ComponentStatus };
    database: { status: ComponentStatus };
    projector: ProjectorHealth;
    relay: RelayHealth;
  };
}

const ANSWER_WITHIN_MS = 2000;

/**
 * Ready when whatever answers is up. A relay that is down is said and keeps nobody from being answered: its own health check
 * tells of it. One that is off is up: nobody asked for it.
 */
export async function readiness(sources: HealthSources): Promise<Readiness> {
  const [store, database, projector, relay] = await Promise.all([
    answerOr(sources.store, { status: 'down' as ComponentStatus }),
    answerOr(sources.database, { status: 'down' as ComponentStatus }),
    answerOr(sources.projector, { status: 'down' as ComponentStatus, lagEvents: 0, stoppedParticipants: 0 }),
    answerOr(sources.relay, { status: 'down' as ComponentStatus, enabled: true }),
  ]);
  // Reasons stay inside: a driver's message may name hosts and accounts, and this page needs no token.
  const details: Readiness['details'] = {
    store: { status: store.status },
    database: { status: database.status },
    projector: { status: projector.status, lagEvents: projector.lagEvents, stoppedParticipants: projector.stoppedParticipants },
    relay: { status: relay.enabled ? relay.status : 'up', enabled: relay.enabled },
  };
  const down = [details.store, details.database, details.projector].some((component) => component.status === 'down');
  return { status: down ? 'error' : 'ok', details };
}

/** A component that hangs is as bad as one that is down. */
async function answerOr<T>(source: () => Promise<T> | T, down: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<T>((resolve) => { timer = setTimeout(() => resolve(down), ANSWER_WITHIN_MS); });
  try {
    return await Promise.race([source(), late]);
  } catch {
    return down;
  } finally {
    clearTimeout(timer);
  }
}
