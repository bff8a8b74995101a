export * from './vocabulary.js';
export * from './errors.js';
export * from './ids.js';
export * from './clock.js';
export * from './event.js';
export * from './decider.js';
export * from './caller.js';
export * from './command.js';
