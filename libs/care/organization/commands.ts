import { bind } from '@peerbridge/command';
import { organizationStream, registerOrganization } from './decider.js';

export const registerOrganizationBinding = bind(organizationStream, registerOrganization);
