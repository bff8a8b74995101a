export * from './config.js';
export * from './logging.js';
export * from './metrics.js';
export * from './health.js';
export * from './database/index.js';
