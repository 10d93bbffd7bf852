import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDockerArchive } from '../../test/fixtures/docker-archive.ts';
import { buildImage } from '../../test/fixtures/images.ts';
import { buildTar } from '../../test/fixtures/layer-tar.ts';
import { writeOciArchive, writeOciLayout } from '../../test/fixtures/oci-layout.ts';
import { DidiffError } from '../errors.ts';
import { openDockerArchive } from './archive/open.ts';
import { recogniseDestination, recogniseSource, withFilesTried } from './recognise.ts';

const root = mkdtempSync(join(tmpdir(), 'didiff-recognise-'));
const before = process.cwd();
const image = buildImage({ seed: 1, layers: [{}] });

beforeAll(() => {
  process.chdir(root);
  writeDockerArchive('legacy.tar', [{ image }], 'legacy');
  writeDockerArchive('classic.tar', [{ image }], 'classic');
  writeDockerArchive('App 1.tar', [{ image }], 'classic');
  writeFileSync('README.md', 'text');
  writeDockerArchive('saved', [{ image }], 'containerd');
  writeDockerArchive('cut.tar', [{ image }], 'classic');
  truncateSync('cut.tar', 5000);
  writeOciArchive('layout.tar', [{ image }]);
  mkdirSync('layout');
  writeOciLayout('layout', [{ image, ref: 'v1' }]);
  mkdirSync('nginx');
  mkdirSync('folder');
  writeFileSync('redis', 'text');
  writeFileSync('packed', gzipSync('text'));
  writeFileSync('packed.tar.gz', gzipSync('text'));
  writeFileSync('packed.tar.xz', Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0));
  writeFileSync('files.tar', buildTar([{ name: 'etc/passwd', type: '0' }]));
  writeFileSync('empty', '');
});
afterAll(() => {
  process.chdir(before);
  rmSync(root, { recursive: true, force: true });
});

describe('a reference', () => {
  const cases: readonly (readonly [string, string, string | undefined, string | undefined])[] = [
    ['legacy.tar', 'docker-archive', 'legacy.tar', undefined],
    ['./classic.tar', 'docker-archive', './classic.tar', undefined],
    ['saved', 'docker-archive', 'saved', undefined],
    ['App 1.tar', 'docker-archive', 'App 1.tar', undefined],
    ['App 1.tar:app:1', 'docker-archive', 'App 1.tar', 'app:1'],
    ['saved:app:1', 'docker-archive', 'saved', 'app:1'],
    ['./legacy.tar:app:1', 'docker-archive', './legacy.tar', 'app:1'],
    ['layout.tar', 'oci-archive', 'layout.tar', undefined],
    ['layout', 'oci', 'layout', undefined],
    ['layout:v1', 'oci', 'layout', 'v1'],
    ['./packed.tar.gz', 'docker-archive', './packed.tar.gz', undefined],
    ['packed.tar.xz', 'docker-archive', 'packed.tar.xz', undefined],
    ['./packed', 'docker-archive', './packed', undefined],
    ['cut.tar', 'docker-archive', 'cut.tar', undefined],
    ['oci:saved', 'oci', 'saved', undefined],
  ];
  it.each(cases)('%s is recognised as %s', (text, transport, path, ref) => {
    expect(recogniseSource(text)).toEqual({ transport, path, ...(ref === undefined ? {} : { ref }) });
  });

  it.each([
    'nginx',
    'nginx:1.25',
    'redis',
    'packed',
    'files.tar',
    'empty',
    'alpine',
    'folder/x',
    'redis/x:1',
  ])("%s is the engine's, whatever else has that name", (text) => {
    expect(recogniseSource(text)).toEqual({ transport: 'engine', text, explicit: false });
  });

  it('to a path is NOT_FOUND where nothing is, and USAGE where no image is', () => {
    for (const text of ['./none', './none:x', '/none/at/all', './redis/below']) {
      expect(() => recogniseSource(text)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    }
    for (const text of ['./redis', './folder', './files.tar', './empty', '.']) {
      expect(() => recogniseSource(text)).toThrow(expect.objectContaining({ code: 'USAGE' }));
    }
  });

  it('to an archive that was cut leads to the reader, which says so', async () => {
    const opening = openDockerArchive('cut.tar', undefined, { tempDirectory: root });
    await expect(opening).rejects.toThrow(/cut short/);
  });
});

describe('a destination', () => {
  it('that could be a file or a name must be told', () => {
    for (const text of ['out.tar', 'a/out.tar.gz', 'x.tgz']) {
      expect(() => recogniseDestination(text)).toThrow(/meant as a file or as a name/);
    }
    expect(recogniseDestination('docker-daemon:out.tar').transport).toBe('engine');
    expect(recogniseDestination('app:1').transport).toBe('engine');
    expect(recogniseDestination('docker-archive:out.tar').transport).toBe('docker-archive');
    expect(recogniseDestination('layout:v2')).toEqual({ transport: 'oci', path: 'layout', ref: 'v2' });
  });

  it('at a new path must say its form', () => {
    expect(() => recogniseDestination('./new')).toThrow(
      expect.objectContaining({ hint: expect.stringContaining('oci:DIR') }),
    );
  });
});

describe("an engine's miss", () => {
  const miss = new DidiffError('NOT_FOUND', 'no such image', { hint: 'Pull it.' });
  const explain = (text: string) => withFilesTried(miss, recogniseSource(text)) as DidiffError;

  it('says that no file was there either, where one may have been meant', () => {
    expect(explain('app.tar').hint).toBe(
      'There is no file app.tar, so it was taken for an image of the engine. Pull it.',
    );
    expect(explain('dir/app:1').hint).toContain('There is no file dir/app,');
  });

  it('says so too where no engine is', () => {
    const unreachable = new DidiffError('UNREACHABLE', 'no engine');
    const told = withFilesTried(unreachable, recogniseSource('app.tar')) as DidiffError;
    expect(told).toMatchObject({ code: 'UNREACHABLE', hint: expect.stringContaining('no file app.tar') });
  });

  it('says that what has the name holds no image', () => {
    expect(explain('redis').hint).toContain('There is a file of that name too, but it holds no image.');
    expect(explain('nginx:1').hint).toContain('There is a folder of that name too');
  });

  it('says so of what can not be the name of an image', () => {
    const usage = new DidiffError('USAGE', 'names are lower case');
    expect(withFilesTried(usage, recogniseSource('README.md'))).toMatchObject({
      code: 'USAGE',
      hint: 'There is a file of that name too, but it holds no image.',
    });
    expect(withFilesTried(usage, recogniseSource('Alpine'))).toBe(usage);
  });

  it('stays as it is for plain names, and so do other failures', () => {
    expect(explain('alpine:3')).toBe(miss);
    const other = new DidiffError('UNAUTHORISED', 'not allowed');
    expect(withFilesTried(other, recogniseSource('app.tar'))).toBe(other);
    expect(withFilesTried(miss, recogniseSource('docker-daemon:app.tar'))).toBe(miss);
  });
});
