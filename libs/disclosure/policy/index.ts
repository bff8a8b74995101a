export * from './facts.js';
export { ceilings, participantFields, policyVersion, type ParticipantField } from './tables.js';
export { consentInForce, reachesOrganization } from './consent.js';
export {
  decide, intersect, type Basis, type Decision, type ItemRule, type Permission, type Permissions, type SegmentAccess,
} from './decision.js';
export { reachesByWriting, reachesOf, reachesTo, type Reach } from './reach.js';
export * from './questions.js';
export { compileItemRule, compileLineRule } from './predicate.js';
