/** Writing OCI layouts: what of an existing one is kept, and what is refused. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  buildImage,
  buildIndex,
  type FixtureImage,
  type FixtureIndex,
  targetOf,
} from '../../../test/fixtures/images.ts';
import { ociLayoutFiles, writeFiles, writeOciLayout } from '../../../test/fixtures/oci-layout.ts';
import { digestHex } from '../../bytes/digest.ts';
import { processPlace } from '../../bytes/file.ts';
import { openOciArchiveSink } from './archive-sink.ts';
import { assertRefName } from './index-json.ts';
import { LOCK_NAME } from './lock.ts';
import { openOciArchive, openOciLayout } from './open.ts';
import { openOciSink } from './sink.ts';

const root = mkdtempSync(join(tmpdir(), 'didiff-oci-write-'));
const options = { tempDirectory: root };
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

const one = buildImage({ seed: 1, layers: [{}] });
const two = buildImage({ seed: 2, layers: [{}] });
const REF = 'org.opencontainers.image.ref.name';

describe('writing into an OCI layout', () => {
  it('keeps other entries, annotations and unknown fields as they are', async () => {
    const directory = freshPath();
    const files = ociLayoutFiles([{ image: one, ref: 'v1', annotations: { custom: 'kept' } }]);
    const before = JSON.parse(Buffer.from(files.get('index.json')!).toString());
    before.annotations = { layout: 'kept' };
    before.x = { unknown: [1, 'two'] };
    before.manifests[0].data = 'kept';
    before.manifests[0].urls = ['https://host.example/x'];
    files.set('index.json', Buffer.from(JSON.stringify(before)));
    mkdirSync(directory);
    writeFiles(directory, files);
    await write(directory, two, 'v2');
    const after = readIndex(directory);
    expect(after.manifests[0]).toEqual(before.manifests[0]);
    expect({ ...after, manifests: [] }).toEqual({ ...before, manifests: [] });
    expect(after.manifests).toHaveLength(2);
  });

  it('takes the name from the older image, which stays to be found by digest', async () => {
    const directory = freshPath();
    writeOciLayout(makeDirectory(directory), [{ image: one, ref: 'v1', annotations: { custom: 'kept' } }]);
    await write(directory, two, 'v1');
    const [older, newer] = readIndex(directory).manifests;
    expect(older).toMatchObject({ digest: one.manifest.digest, annotations: { custom: 'kept' } });
    expect(older.annotations[REF]).toBeUndefined();
    expect(newer).toMatchObject({ digest: two.manifest.digest, annotations: { [REF]: 'v1' } });
    const opened = await openOciLayout(directory, one.manifest.digest, options);
    await opened.close();
  });

  it('gives an image a second name without losing the first', async () => {
    const directory = freshPath();
    await write(directory, one, 'v1');
    await write(directory, one, 'v2');
    await write(directory, one, 'v2');
    expect(readIndex(directory).manifests.map((entry: Entry) => entry.annotations?.[REF])).toEqual([
      'v1',
      'v2',
    ]);
  });

  it('names an entry that had no name', async () => {
    const directory = freshPath();
    await write(directory, one, undefined);
    await write(directory, one, 'v1');
    expect(readIndex(directory).manifests).toHaveLength(1);
  });

  it('writes NAME:TAG in full, as engines with the containerd image store look for it', async () => {
    const directory = freshPath();
    const sink = openOciSink(directory, undefined, options);
    await put(sink, one);
    const published = await sink.commit(targetOf(one), ['nginx:1.25', 'other/app']);
    expect(published.names).toEqual(['nginx:1.25', 'other/app:latest']);
    expect(readIndex(directory).manifests.map((entry: Entry) => entry.annotations)).toEqual([
      { 'io.containerd.image.name': 'docker.io/library/nginx:1.25', [REF]: '1.25' },
      { 'io.containerd.image.name': 'docker.io/other/app:latest', [REF]: 'latest' },
    ]);
  });

  it('names the index where the image was named by one', async () => {
    const index = buildIndex([two, buildImage({ seed: 7, layers: [], platform: 'linux/arm64' })]);
    for (const kind of ['directory', 'archive'] as const) {
      const path = freshPath();
      const sink =
        kind === 'directory'
          ? openOciSink(path, 'multi', options)
          : openOciArchiveSink(path, 'multi', options);
      await put(sink, two, index);
      await sink.commit(targetOf(two, index.index), []);
      const openImage = kind === 'directory' ? openOciLayout : openOciArchive;
      const opened = await openImage(path, 'multi', { ...options, platform: two.platform });
      const metadata = await opened.readMetadata(options);
      expect(metadata.index?.digest).toBe(index.index.digest);
      expect(metadata.manifest?.digest).toBe(two.manifest.digest);
      await opened.close();
    }
  });

  it('replaces a blob that is damaged', async () => {
    const directory = freshPath();
    await write(directory, one, 'v1');
    const path = join(directory, 'blobs/sha256', digestHex(one.layers[0]!.blob.digest));
    const damaged = Uint8Array.from(readFileSync(path));
    damaged[9]! ^= 1;
    writeFileSync(path, damaged);
    const sink = openOciSink(directory, undefined, options);
    expect(await sink.find(targetOf(one))).toBeUndefined();
    await write(directory, one, 'v1');
    expect(Buffer.from(readFileSync(path)).equals(one.layers[0]!.blob.bytes)).toBe(true);
  });

  it('goes on where a first write was stopped before its last file', async () => {
    const directory = freshPath();
    await write(directory, one, 'v1');
    rmSync(join(directory, 'oci-layout'));
    await write(directory, two, 'v2');
    for (const ref of ['v1', 'v2']) await (await openOciLayout(directory, ref, options)).close();
  });

  it('makes missing folders, and removes them when it is aborted', async () => {
    const directory = join(freshPath(), 'a', 'b');
    const sink = openOciSink(directory, undefined, options);
    expect(existsSync(sink.directory!)).toBe(true);
    await sink.begin(targetOf(one));
    expect(existsSync(directory)).toBe(true);
    await sink.abort();
    expect(existsSync(join(directory, '..', '..'))).toBe(false);
  });

  it('refuses a file, a folder of other things, and a layout of another version', async () => {
    const file = freshPath();
    writeFileSync(file, 'x');
    await expect(write(file, one, 'v1')).rejects.toMatchObject({ code: 'USAGE' });
    const other = makeDirectory(freshPath());
    writeFileSync(join(other, 'notes.txt'), 'x');
    await expect(write(other, one, 'v1')).rejects.toMatchObject({ code: 'USAGE' });
    expect(readdirSync(other)).toEqual(['notes.txt']);
    const later = makeDirectory(freshPath());
    writeFileSync(join(later, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}');
    await expect(write(later, one, 'v1')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('refuses to build on an index.json that is damaged', async () => {
    const directory = makeDirectory(freshPath());
    writeOciLayout(directory, [{ image: one, ref: 'v1' }]);
    writeFileSync(join(directory, 'index.json'), '{"manifests":[{}]}');
    await expect(write(directory, two, 'v2')).rejects.toMatchObject({ code: 'CORRUPT_INPUT' });
    expect(readFileSync(join(directory, 'index.json'), 'utf8')).toBe('{"manifests":[{}]}');
  });

  it('is left alone by a commit that is aborted while it waits for the lock', async () => {
    const directory = freshPath();
    await write(directory, one, 'v1');
    const before = readIndex(directory);
    const lock = join(directory, LOCK_NAME);
    writeFileSync(lock, `${process.pid} ${processPlace()} 00\n`);
    const sink = openOciSink(directory, 'v2', options);
    await put(sink, two);
    const committing = sink.commit(targetOf(two), []);
    committing.catch(() => {});
    await sink.abort();
    rmSync(lock);
    await expect(committing).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(readIndex(directory)).toEqual(before);
    expect(readdirSync(directory).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });

  it('takes the names that the OCI grammar takes', () => {
    for (const ref of ['v1', 'nginx:1.25', 'a/b@c', 'a--b', 'A.b_c+d'])
      expect(() => assertRefName(ref)).not.toThrow();
    for (const ref of ['', '-a', 'a-', 'a b', 'a//b', 'ä'])
      expect(() => assertRefName(ref)).toThrow(/not a name/);
  });
});

describe('an OCI archive', () => {
  it('is the same file for the same image and name, whenever it is written', async () => {
    const paths = [freshPath(), freshPath()];
    for (const path of paths) {
      const sink = openOciArchiveSink(path, 'v1', options);
      await put(sink, one);
      await sink.commit(targetOf(one), ['app:1']);
    }
    expect(readFileSync(paths[0]!).equals(readFileSync(paths[1]!))).toBe(true);
  });

  it('leaves nothing behind where its folder is missing', async () => {
    const sink = openOciArchiveSink(join(freshPath(), 'a.tar'), undefined, options);
    await expect(sink.begin(targetOf(one))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

interface Entry {
  readonly digest: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

async function write(directory: string, image: FixtureImage, ref: string | undefined): Promise<void> {
  const sink = openOciSink(directory, ref, options);
  await put(sink, image);
  await sink.commit(targetOf(image), []);
}

async function put(
  sink: ReturnType<typeof openOciSink>,
  image: FixtureImage,
  index?: FixtureIndex,
): Promise<void> {
  for (const position of await sink.begin(targetOf(image, index?.index))) {
    const { bytes } = image.layers[position]!.blob;
    await sink.putLayer(
      position,
      (async function* () {
        yield bytes;
      })(),
    );
  }
}

function readIndex(directory: string) {
  return JSON.parse(readFileSync(join(directory, 'index.json'), 'utf8'));
}

function makeDirectory(path: string): string {
  mkdirSync(path);
  return path;
}

function freshPath(): string {
  return join(root, String(count++));
}
