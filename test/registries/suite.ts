/** Suites that need a registry: skipped where none is installed, but never in CI, where one must be. */
import { spawnSync } from 'node:child_process';
import { describe, test } from 'vitest';

const PROGRAMS = [
  ['docker-registry', '--version'],
  ['setpriv', '--version'],
  ['openssl', 'version'],
] as const;

export function describeRegistry(name: string, suite: () => void): void {
  const missing = PROGRAMS.find(([program, word]) => spawnSync(program, [word]).error !== undefined)?.[0];
  if (missing === undefined) describe(name, suite);
  else if (process.env['CI']) throw new Error(`${missing} is not installed`);
  // Not even declared: what a suite sets up may need the programs.
  else test.skip(`${name} (no ${missing})`);
}
