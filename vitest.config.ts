import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    // Suites start real engines; their set-up may wait for one to come up.
    hookTimeout: 120_000,
    testTimeout: 120_000,
  },
});
