import { describe, expect, test } from 'vitest';
import type { FileChange, ImageDiff, LayerDiff } from '../inspect/diff/model.ts';
import { adviseOnDiff } from './advice.ts';

const facts = (sizeBytes: number, layer = 0) =>
  ({ type: 'file', sizeBytes, mode: '0644', uid: 0, gid: 0, mtime: 0, layer }) as const;

function change(
  path: string,
  kind: FileChange['change'],
  aspects: FileChange['aspects'] = ['content'],
  layer = 0,
): FileChange {
  return { path, change: kind, aspects, base: facts(10), target: facts(100, layer) };
}

const DIGEST = `sha256:${'0'.repeat(64)}` as const;
const own = (targetPosition: number, mediaType = 'x+gzip'): LayerDiff => ({
  diffId: DIGEST,
  targetPosition,
  targetBlob: { digest: DIGEST, sizeBytes: 5000 + targetPosition, mediaType },
});

function advise(changes: readonly FileChange[], layers: readonly LayerDiff[] = [own(0)]) {
  const image = { name: 'x', platform: 'linux/amd64', config: DIGEST };
  const counts = { added: 0, removed: 0, changed: 0, metadata: 0, moved: 0 };
  const diff: ImageDiff = {
    base: image,
    target: image,
    differ: true,
    semantic: false,
    layers,
    files: { counts, changes },
  };
  return adviseOnDiff(diff);
}
const ids = (...given: Parameters<typeof advise>) => advise(...given).map(({ id }) => id);

describe('advice', () => {
  test('is none where a file has other content', () => {
    expect(ids([change('/app/main.js', 'changed'), change('/app/new.js', 'added')])).toEqual([]);
  });

  test.each([
    '/var/cache/ldconfig/aux-cache',
    '/var/log/apt/term.log',
    '/var/lib/dpkg/status-old',
    '/var/lib/apt/lists/deb.debian.org_x',
    '/root/.cache/pip/x',
    '/etc/passwd-',
  ])('knows %s as a leftover', (path) => expect(ids([change(path, 'changed')])).toEqual(['caches']));

  test.each(['/var/lib/app/cache', '/etc/passwd', '/srv/logs/x', '/home/x/cache'])('%s is none', (path) => {
    expect(ids([change(path, 'changed')])).toEqual([]);
  });

  test('tells bytecode whose source is the same from bytecode of a new one', () => {
    const [source, other] = ['/lib/a.py', '/lib/b.py'].map((path) => change(path, 'changed'));
    const code = ['a', 'b', 'c'].map((name) => change(`/lib/__pycache__/${name}.cpython-311.pyc`, 'changed'));
    expect(advise([source!, other!, ...code])[0]).toMatchObject({
      id: 'pyc-times',
      pathCount: 1,
      paths: ['/lib/__pycache__/c.cpython-311.pyc'],
    });
  });

  test('counts what differs in times only, and names the costliest', () => {
    const changes = Array.from({ length: 9 }, (_, at) => change(`/f${at}`, 'metadata', ['mtime']));
    const [advice] = advise([...changes, change('/x', 'changed')]);
    expect(advice).toMatchObject({ id: 'times-only', savesBytes: 900, pathCount: 9, paths: { length: 5 } });
  });

  test('finds layers that were built again for nothing, and those in zstd', () => {
    const changes = [change('/a', 'changed'), change('/b', 'metadata', ['mode'], 1)];
    expect(ids(changes, [own(0), own(1)])).toEqual(['rebuilt-layer']);
    expect(ids(changes, [own(0, 'x+zstd')])).toEqual(['zstd-layers']);
  });
});
