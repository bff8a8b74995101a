import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';

/** Median, least and greatest over the rounds. */
export interface Spread {
  median: number;
  min: number;
  max: number;
}

export interface BenchResult {
  name: string;
  /** What was measured, on what. */
  circumstances: Record<string, string | number>;
  /** One measurement of every side to a round; `perSecond`, or milliseconds where the name says so. */
  rounds: object[];
  /** Of the measurements, and of the ratios between the sides round by round: the machine's noise is in both sides. */
  summary: Record<string, Spread>;
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  const median = (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2;
  return { median: round(median), min: round(sorted[0]!), max: round(sorted.at(-1)!) };
}

/** The value below which the share of the values lies. */
export function percentile(values: readonly number[], share: number): number {
  return [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!;
}

/** Prints the summary and writes the whole to `bench/results/<name>.json`. */
export async function keep(result: BenchResult): Promise<BenchResult> {
  console.log(`${result.name}: ${JSON.stringify(result.circumstances)}`);
  for (const [what, { median, min, max }] of Object.entries(result.summary)) {
    console.log(`  ${what.padEnd(28)} ${String(median).padStart(10)}   (${min} … ${max})`);
  }
  const folder = resolve('bench', 'results');
  await mkdir(folder, { recursive: true });
  const machine = { node: process.version, cpus: cpus().length, cpu: cpus()[0]?.model ?? 'unknown' };
  await writeFile(join(folder, `${result.name}.json`), `${JSON.stringify({ ...result, machine }, undefined, 2)}\n`);
  return result;
}

const round = (value: number): number => (value >= 100 ? Math.round(value) : Number(value.toPrecision(3)));
