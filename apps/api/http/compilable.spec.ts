import { describe, expect, it } from '@jest/globals';
import { parse } from 'graphql';
import { isCompilable } from './compilable.js';

const compilable = (query: string): boolean => isCompilable(parse(query));

describe('An operation', () => {
  it.each([
    `query ($id: ID!) { participant(id: $id) { id timeline(first: 20) { edges { node { ...On } } } } }
      fragment On on TimelineEntry { type }`,
    'mutation ($input: LogPeerContactInput!) { logPeerContact(input: $input) { id position } }',
    '{ participant(id: "x") { timeline(filter: { types: ["PeerContactLogged"] }) { totalCount } } }',
  ])('of the ordinary kind is compiled: %s', (query) => expect(compilable(query)).toBe(true));

  it.each([
    'query ($full: Boolean!) { viewer { name @include(if: $full) } }', '{ viewer { ... @skip(if: true) { name } } }',
    'query ($from: DateTime) { participant(id: "x") { timeline(filter: { from: $from }) { totalCount } } }',
    'query ($type: String!) { participant(id: "x") { timeline(filter: { types: [$type] }) { totalCount } } }',
    'query { viewer { ...F } } fragment F on Worker { name @skip(if: false) }',
  ])('that the compiler would answer otherwise is not: %s', (query) => expect(compilable(query)).toBe(false));
});
