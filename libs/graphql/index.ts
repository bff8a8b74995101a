export * from './scalars.js';
export * from './types.js';
export * from './selection.js';
export * from './paging.js';
export * from './node-types.js';
export * from './context.js';
export * from './mutations.js';
export * from './root.resolver.js';
