export * from './policy/index.js';
export * from './view/index.js';
