export * from './binding.js';
export * from './executor.js';
export * from './execute-command.js';
export { withoutNulls } from './input.js';
