import { prepare } from './prepare.mjs';

await prepare();
// In this very process: signals and the exit code are the application's own.
await import('../dist/apps/audit/main.js');
