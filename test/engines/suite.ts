/** A suite against a real engine: skipped where the engine can't run, but never in CI, where it must. */
import { afterAll, beforeAll, describe, test } from 'vitest';
import type { RunningEngine } from './daemon.ts';
import { type EngineName, missingParts, startEngine } from './engines.ts';

/** Starts the engine, runs the tests that `body` declares, and stops it. `engine()` is for use inside the tests. */
export function describeEngine(name: EngineName, body: (engine: () => RunningEngine) => void): void {
  const missing = missingParts(name);
  if (missing !== undefined && process.env['CI']) {
    test(`${name} can be started`, () => {
      throw new Error(missing);
    });
    return;
  }
  describe.skipIf(missing !== undefined)(missing === undefined ? name : `${name} (${missing})`, () => {
    let running: RunningEngine | undefined;
    beforeAll(async () => {
      running = await startEngine(name);
    });
    afterAll(async () => {
      await running?.stop();
    });
    body(() => running!);
  });
}
