export * from './topics.js';
export * from './publisher.js';
export * from './integration-event.js';
export * from './relay.js';
export * from './asyncapi.js';
