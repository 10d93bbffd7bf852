import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildImage, targetOf } from '../../../test/fixtures/images.ts';
import { openFile } from '../../bytes/file.ts';
import { encodeTarHeader } from '../../tar/encode.ts';
import { walkTar } from '../../tar/walk.ts';
import { listTar } from './entries.ts';
import { openDockerArchive } from './open.ts';
import { openDockerArchiveSink } from './sink.ts';
import { openTarFile } from './tar-file.ts';

const root = mkdtempSync(join(tmpdir(), 'didiff-sink-'));
const options = { tempDirectory: root };
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('a docker archive', () => {
  const image = buildImage({ seed: 1, layers: [{}, { compression: 'none' }, { seed: 1 }] });

  it('is the same file for the same image and names, whenever it is written', async () => {
    const paths = [join(root, 'a.tar'), join(root, 'b.tar')];
    for (const path of paths) await write(path, ['app:1']);
    expect(readFileSync(paths[0]!).equals(readFileSync(paths[1]!))).toBe(true);
  });

  it('has nothing in it of the time, the user or the machine', async () => {
    const path = join(root, 'plain.tar');
    await write(path, []);
    const file = openFile(path);
    for (const segment of walkTar(file)) {
      if (segment.kind === 'header') expect(segment.entry.mtime).toBe(0);
      expect(segment.kind).not.toBe('unknown');
    }
    expect(listTar(file, path).map(({ name }) => name)).toEqual([
      'blobs/',
      'blobs/sha256/',
      ...listTar(file, path)
        .map(({ name }) => name)
        .filter((name) => /^blobs\/sha256\/[0-9a-f]{64}$/.test(name)),
      'index.json',
      'manifest.json',
      'oci-layout',
    ]);
    file.close();
  });

  it('stores a layer that is there twice once', async () => {
    const path = join(root, 'twice.tar');
    await write(path, []);
    const file = openFile(path);
    const blobs = listTar(file, path).filter(
      ({ type, name }) => type === 'file' && name.startsWith('blobs/'),
    );
    expect(blobs).toHaveLength(4);
    file.close();
  });

  it('has the name of its path beside those of the commit, each once', async () => {
    const path = join(root, 'named.tar');
    const published = await write(path, ['app:2', 'docker.io/library/app:2'], 'app:1');
    expect(published.names).toEqual(['app:1', 'app:2']);
    for (const name of published.names) await (await openDockerArchive(path, name, options)).close();
  });

  it('is written over an older file only at the commit', async () => {
    const path = join(root, 'old.tar');
    writeFileSync(path, 'old');
    const sink = openDockerArchiveSink(path, undefined, options);
    await sink.begin(targetOf(image));
    expect(readFileSync(path, 'utf8')).toBe('old');
    await sink.abort();
    expect(readFileSync(path, 'utf8')).toBe('old');
  });

  it('refuses a name that is none before anything is written', () => {
    expect(() => openDockerArchiveSink(join(root, 'x.tar'), 'No Name', options)).toThrow(/not an image name/);
  });

  it('is not written on after an abort that came between two pieces', async () => {
    const path = join(root, 'aborted.tar');
    const tar = openTarFile(path);
    const source = (async function* () {
      yield new Uint8Array(10);
      tar.abort();
      yield new Uint8Array(10);
    })();
    await expect(tar.addStream('x', 20, source)).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('may have files beyond 8 GiB', () => {
    const sizeBytes = 9 * 2 ** 30;
    const header = encodeTarHeader({ path: 'blobs/large', sizeBytes });
    const access = {
      sizeBytes: header.length + sizeBytes + 1024,
      readAt(position: number, into: Uint8Array) {
        into.fill(0);
        if (position < header.length) into.set(header.subarray(position, position + into.length));
      },
    };
    expect(listTar(access, 'archive')).toMatchObject([
      { name: 'blobs/large', sizeBytes, offset: header.length },
    ]);
  });

  async function write(path: string, names: readonly string[], ref?: string) {
    const sink = openDockerArchiveSink(path, ref, options);
    for (const position of await sink.begin(targetOf(image))) {
      const { tar } = image.layers[position]!;
      await sink.putLayer(
        position,
        (async function* () {
          yield tar;
        })(),
      );
    }
    return sink.commit(targetOf(image), names);
  }
});
