/** `npm run demo`, as its user runs it: a real update through every local store, each digest verified. */
import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

test('the demo ships a real update and verifies it, without an engine', () => {
  const env = { ...process.env, DOCKER_HOST: 'unix:///nonexistent/docker.sock', NO_COLOR: '1' };
  const shown = execFileSync(process.execPath, ['scripts/demo.mjs'], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  expect(shown).toMatch(/times/);
  expect(shown).toMatch(/digest/);
});
