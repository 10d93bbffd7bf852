import { expect, test } from 'vitest';
import type { Estimate } from '../estimate/model.ts';
import { adviseOnEstimate } from './advice.ts';

const DIGEST = `sha256:${'0'.repeat(64)}` as const;
const file = (path: string, estimatedBytes: number, earlier?: string) => ({
  path,
  estimatedBytes,
  sizeBytes: 1000,
  kind: 'binary' as const,
  layer: 0,
  ...(earlier === undefined ? {} : { earlier }),
});

function advise(files: Estimate['files'], how: 'delta' | 'blob' = 'delta') {
  const layers = [{ diffId: DIGEST, tarBytes: 9000, how, estimatedBytes: 700 }];
  return adviseOnEstimate({
    base: 'a',
    target: 'b',
    estimatedBytes: 800,
    layers,
    files,
    changedBytes: 0,
    matchedBytes: 0,
  });
}

test('advice on an estimate says what each would save of the patch, the most first', () => {
  const files = [
    file('/var/log/apt/term.log', 30, '/var/log/apt/term.log'),
    file('/srv/app.jar', 200, '/srv/app.jar'),
    file('/srv/new.zip', 100),
    file('/lib/__pycache__/a.cpython-311.pyc', 50, '/lib/__pycache__/a.cpython-311.pyc'),
    file('/srv/main.js', 400, '/srv/main.js'),
  ];
  const found = advise(files).map(({ id, savesBytes, pathCount }) => [id, savesBytes, pathCount]);
  expect(found).toEqual([
    ['archives', 300, 2],
    ['pyc-times', 50, 1],
    ['caches', 30, 1],
  ]);
});

test('a layer whose encoder nothing re-creates is told with what carrying it costs', () => {
  expect(advise([], 'blob')).toMatchObject([{ id: 'carried-layers', savesBytes: 700 }]);
  expect(advise([])).toEqual([]);
});
