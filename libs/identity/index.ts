export * from './authenticator.js';
export * from './claims.js';
export * from './dev-issuer.js';
export * from './fixture.js';
