import { parseCommandLine, usageMistake, type AuditCommand } from './command-line.js';

process.exit(await main(process.argv.slice(2)));

async function main(args: readonly string[]): Promise<number> {
  let command: AuditCommand;
  try {
    command = parseCommandLine(args);
  } catch (error) {
    return usageMistake(error);
  }
  // The system is loaded only where there is something for it to do.
  const { runCommand } = await import('./run.js');
  return runCommand(command, process.env);
}
