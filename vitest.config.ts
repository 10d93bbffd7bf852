import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // Suites start real engines; their set-up may wait for one to come up.
    hookTimeout: 120_000,
    testTimeout: 120_000,
    // Files that drive an engine mostly wait for it, so two run even on one core; but engines crowd each other out.
    maxWorkers: Math.min(4, Math.max(2, availableParallelism())),
  },
});
