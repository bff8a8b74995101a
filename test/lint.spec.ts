import { describe, expect, it } from '@jest/globals';
import { Linter } from 'eslint';
import { dependencyRule } from '../scripts/lint/dependency-rule.mjs';

const lint = (filename: string, code: string) => new Linter().verify(code, dependencyRule, { filename });

/** Which of these names `filename` may not import. */
const refused = (filename: string, ...names: string[]): string[] => names.filter((name) => {
  const found = lint(filename, `import '${name}';`);
  expect(found.filter(({ ruleId }) => ruleId !== 'no-restricted-imports')).toEqual([]);
  return found.length > 0;
});

const adapters = ['@peerbridge/event-store/postgres', '@peerbridge/event-store/eventstoredb', '@peerbridge/messaging/kafka'];

describe('The dependency rule', () => {
  it.each(['events', 'decider', 'life-cycle'])('keeps %s.ts pure: the kernel, zod and facts, nothing else', (name) => {
    const file = `libs/care/referral/${name}.ts`;
    const impure = ['@nestjs/common', 'rxjs', 'pg', 'node:crypto', '@peerbridge/disclosure', '../consent/decider.js'];
    expect(refused(file, ...impure)).toEqual(impure);
    expect(refused(file, '@peerbridge/kernel', 'zod', './events.js', '../consent/events.js')).toEqual([]);
  });

  it('lets facts and rules import each other, and nothing beside them that is not pure', () => {
    const impure = ['./graphql.js', './read-model.js', './commands.js', './index.js', './rules/deep.js'];
    expect(refused('libs/care/peer-contact/decider.ts', './events.js', './overlap.js', ...impure)).toEqual(impure);
    expect(refused('libs/care/peer-contact/events.ts', './billing.js', ...impure)).toEqual(impure);
  });

  it('lets no deeper folder out of the rule', () => {
    const outside = ['../../index.js', '../../../consent/decider.js', 'pg', 'kafkajs', '@eventstore/db-client', ...adapters];
    expect(refused('libs/care/referral/rules/deep.ts', ...outside)).toEqual(outside);
    expect(refused('libs/projection/rows/of/persons.ts', '@peerbridge/kernel', '@peerbridge/care')).toEqual(['@peerbridge/care']);
    const impure = ['pg', '@peerbridge/vault'];
    expect(refused('libs/disclosure/policy/segments/sud.ts', 'zod', ...impure)).toEqual(impure);
  });

  it('lets a capability ask another and read its facts, but never its inside', () => {
    const file = 'libs/care/referral/commands.ts';
    const inside = ['../consent/decider.js', '../consent/read-model.js', '../../disclosure/index.js', '../../../apps/system.js'];
    expect(refused(file, 'pg')).toEqual(['pg']);
    expect(refused(file, ...inside)).toEqual(inside);
    expect(refused(file, '../consent/index.js', '../consent/events.js', '../capability.js', '@peerbridge/command')).toEqual([]);
  });

  it('keeps the policy pure, and lets its predicate say itself in SQL', () => {
    const impure = ['sql-template-tag', 'pg', '@peerbridge/projection', '../view/index.js'];
    expect(refused('libs/disclosure/policy/decision.ts', ...impure)).toEqual(impure);
    expect(refused('libs/disclosure/policy/predicate.ts', ...impure)).toEqual(impure.slice(1));
  });

  it('lets data flow one way: a library imports only those before it, by their names', () => {
    const below = '@peerbridge/kernel';
    expect(refused('libs/event-store/port.ts', below, '@peerbridge/projection')).toEqual(['@peerbridge/projection']);
    expect(refused('libs/projection/view.ts', below, '@peerbridge/disclosure', '../vault/index.js')).toHaveLength(2);
    expect(refused('libs/command/executor.ts', below, '@peerbridge/care')).toEqual(['@peerbridge/care']);
  });

  it('lets only applications choose adapters', () => {
    expect(refused('libs/platform/health.ts', ...adapters)).toEqual(adapters);
    expect(refused('libs/messaging/relay.ts', './kafka/index.js')).toEqual(['./kafka/index.js']);
    expect(refused('libs/care/referral/graphql.ts', ...adapters)).toEqual(adapters);
    expect(refused('apps/system.ts', ...adapters)).toEqual([]);
  });

  it('keeps kafkajs and the event store client in one folder each', () => {
    const clients = ['kafkajs', '@eventstore/db-client'];
    expect(refused('libs/messaging/relay.ts', ...clients)).toEqual(clients);
    expect(refused('libs/messaging/kafka/kafka-publisher.ts', ...clients)).toEqual(['@eventstore/db-client']);
    expect(refused('libs/event-store/eventstoredb/index.ts', ...clients)).toEqual(['kafkajs']);
    expect(refused('apps/relay/relay.ts', ...clients)).toEqual(clients);
  });

  it.each(['libs/command/executor.ts', 'libs/care/referral/graphql.ts', 'apps/api/main.ts'])(
    'bans the in-memory event bus in %s, and says why', (file) => {
      const found = lint(file, 'import { AggregateRoot, CommandBus, EventBus, QueryBus, Saga } from \'@nestjs/cqrs\';');
      expect(found).toHaveLength(3);
      for (const { message } of found) expect(message).toContain('awaiting publish() awaits nothing');
    });
});
