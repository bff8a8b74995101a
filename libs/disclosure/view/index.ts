export * from './tables.js';
export * from './labels.js';
export * from './shared-view.js';
export * from './person-locks.js';
export * from './command-projection.js';
export * from './wall-projection.js';
