import { roles, type Role } from '@peerbridge/kernel';
import { z } from 'zod';

const uuid = z.guid().toLowerCase();
const whoClaims = {
  iss: z.string().min(1).max(500),
  sub: z.string().min(1).max(500),
  role: z.enum(roles),
  org_id: uuid.optional(),
  // Issuers send a blank one for who has none.
  name: z.string().max(200).nullish().transform((name) => (name?.trim() ? name : undefined)),
  participant_id: uuid.optional(),
};

interface WhoClaims {
  role: Role;
  org_id?: string;
  participant_id?: string;
}

/** A person or a relative speaks for a participant; everybody else for an organization. */
const speaksForParticipant = (role: Role): boolean => role === 'person' || role === 'family';

function requireWhomTheyActFor(claims: WhoClaims, context: z.RefinementCtx<WhoClaims>): void {
  const required = speaksForParticipant(claims.role) ? 'participant_id' : 'org_id';
  if (claims[required] === undefined) {
    context.addIssue({ code: 'custom', path: [required], message: `The role ${claims.role} needs ${required}` });
  }
}

/** What a verified token must say of its bearer. Issuers add claims of their own: those are not looked at. */
export const tokenClaims = z.object({ ...whoClaims, exp: z.number() }).superRefine(requireWhomTheyActFor);
export type TokenClaims = z.output<typeof tokenClaims>;

/**
 * What may be asked of the issuer of development: the same, with defaults for who issued it to whom and until when. Other
 * claims go into the token as they are.
 */
export const requestedClaims = z.looseObject({
  ...whoClaims,
  iss: whoClaims.iss.optional(),
  name: z.string().max(200).optional(),
  aud: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
  exp: z.number().int().optional(),
}).superRefine(requireWhomTheyActFor);
export type RequestedClaims = z.input<typeof requestedClaims>;
