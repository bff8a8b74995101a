import { prepare } from './prepare.mjs';

// Nothing runs yet that would have to be stopped.
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
await prepare();
// In this very process: signals and the exit code are the application's own.
await import('../dist/apps/standalone/main.js');
