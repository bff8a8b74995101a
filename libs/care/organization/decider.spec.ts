import { describe, it, expect } from '@jest/globals';
import type { Caller } from '@peerbridge/kernel';
import { derivedId, fact, given } from '../../kernel/testing.js';
import { organizationStream, registerOrganization } from './decider.js';

const orgR = '00000010-0000-4000-8000-000000000000';
const officer: Caller = { memberId: '00000020-0000-4000-8000-000000000000', role: 'privacyOfficer', orgId: orgR };
const riverside = { organizationId: orgR, name: 'Riverside Recovery Center', alias: 'RC Services', part2Program: true };

describe('Registering an organization', () => {
  it('holds it for a Part 2 program unless told otherwise', () => {
    const { organizationId, name, alias } = riverside;
    given(organizationStream).when(registerOrganization, { organizationId, name, alias }, { as: officer })
      .then({ type: 'OrganizationRegistered', data: riverside });
    given(organizationStream).when(registerOrganization, { organizationId, name, part2Program: false }, { as: officer })
      .then({ type: 'OrganizationRegistered', data: { organizationId, name, part2Program: false } });
  });

  it('gives it an id where none is given, the same for every repeat', () => {
    const register = () => given(organizationStream)
      .when(registerOrganization, { name: 'Harbor Clinic' }, { as: officer, commandId: 'c1' }).events();
    expect(register()).toEqual(register());
    expect(register()[0]!.data.organizationId).toBe(derivedId(officer.memberId, 'c1', 0));
  });

  it('is refused a second time, with the version that stands', () => {
    given(organizationStream, fact('OrganizationRegistered', riverside, officer))
      .when(registerOrganization, { organizationId: orgR, name: 'Another' }, { as: officer })
      .thenRefused('VERSION_CONFLICT', { actualVersion: 0 });
  });

  it('needs a name', () => {
    given(organizationStream).when(registerOrganization, {}, { as: officer }).thenRefused('VALIDATION', { fields: ['name'] });
    given(organizationStream).when(registerOrganization, { name: '  ' }, { as: officer })
      .thenRefused('VALIDATION', { fields: ['name'] });
  });

  it('is the privacy officer’s alone', () => {
    given(organizationStream).when(registerOrganization, riverside, { as: { ...officer, role: 'peer' } })
      .thenRefused('FORBIDDEN_ROLE');
  });

  it('touches the organization', () => {
    expect(organizationStream.entityOf(fact('OrganizationRegistered', riverside, officer))).toBe(orgR);
  });
});
