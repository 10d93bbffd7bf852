/** Pulling into a real engine from a real registry: by patches, chains of them, layers; stopped anywhere and gone on. */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { encodeArtifact } from '../../src/fleet/artifact.ts';
import type { PatchDescription } from '../../src/fleet/description.ts';
import { addReferrer } from '../../src/fleet/referrers.ts';
import {
  createPatch,
  findArtifact,
  findPatches,
  listEngineHoldings,
  nameHolding,
  openDestination,
  openImage,
  openRepository,
  type PullOptions,
  parseRegistryImageName,
  planPull,
  preparePull,
  pullImage,
  pushPatch,
  shareEngine,
} from '../../src/index.ts';
import type { RunningEngine } from '../engines/daemon.ts';
import { missingParts, startEngine } from '../engines/engines.ts';
import { imageIds, savedDigests, seedImage } from '../engines/images.ts';
import { buildProgram } from '../fixtures/built-program.ts';
import { buildImage, type FixtureImage } from '../fixtures/images.ts';
import { buildTar } from '../fixtures/layer-tar.ts';
import { seededNoise } from '../fixtures/random.ts';
import { type BadLine, startBadLine } from './bad-line.ts';
import { type Front, startFront } from './front.ts';
import { pushImage } from './push.ts';
import { type RunningRegistry, startRegistry } from './server.ts';

const tempDirectory = mkdtempSync(join(tmpdir(), 'didiff-pull-'));
const options = { tempDirectory };
const nowMs = Date.parse('2024-05-06T07:08:09Z');
const registryOptions = { plainHttp: true, env: {}, retry: { attempts: 1, baseDelayMs: 1 } };

/** A big file whose middle is another one in each version, so that a patch takes about as much as the middle. */
const tarOf = (version: number) =>
  buildTar([
    {
      name: 'data',
      type: '0',
      content: Buffer.concat([
        seededNoise(1, 600_000),
        seededNoise(100 + version, 60_000),
        seededNoise(2, 600_000),
      ]),
    },
  ]);
const shared = { seed: 7, tar: buildTar([{ name: 'base', type: '0', content: seededNoise(3, 300_000) }]) };
const gzip = { compression: 'gzip' } as const;
const version = (number: number) =>
  buildImage({
    seed: 10 * number,
    layers: [
      { ...shared, ...gzip },
      { tar: tarOf(number), ...gzip },
    ],
    label: `${number}`,
  });
const images = [1, 2, 3, 4].map(version);

const program = buildProgram();
let server: RunningRegistry;
let line: BadLine;

beforeAll(async () => {
  server = await startRegistry();
  line = await startBadLine(server.port);
  for (const [i, image] of images.entries())
    await pushImage({ root: `http://${server.host}`, repository: 'app' }, String(i + 1), image);
});
afterAll(async () => {
  await line.stop();
  await server.stop();
  rmSync(tempDirectory, { recursive: true, force: true });
});

/** Makes the patch between two versions and pushes it; gives its size. */
async function pushBetween(from: number, to: number, repository = 'app'): Promise<number> {
  const [base, target] = await Promise.all(
    [from, to].map((tag) => openImage(`docker://${server.host}/${repository}:${tag}`, options)),
  );
  const path = join(tempDirectory, `${from}-${to}.didiff`);
  await createPatch(base!, target!, path, options);
  const { manifest } = await base!.readMetadata(options);
  const place = openRepository({ registry: server.host, repository }, registryOptions);
  const named = { name: `app:${from}`, manifest: manifest!.digest, diffIds: base!.diffIds };
  await pushPatch(path, place, { ...options, nowMs, base: named });
  for (const each of [base!, target!, place]) await each.close();
  return readFileSync(path).length;
}

/** Pushes a patch to `repository` as one that leads to `listed`, with a description that `lie` has changed. */
async function pushLiar(
  from: number,
  to: number,
  listed: FixtureImage,
  repository: string,
  lie: (description: PatchDescription) => PatchDescription,
): Promise<void> {
  for (const number of [from, to])
    await pushImage({ root: `http://${server.host}`, repository }, String(number), images[number - 1]!);
  await pushImage({ root: `http://${server.host}`, repository }, String(images.indexOf(listed) + 1), listed);
  await pushBetween(from, to, repository);
  const place = openRepository({ registry: server.host, repository }, registryOptions);
  const [entry] = await findPatches(place, images[to - 1]!.manifest.digest, {});
  const artifact = await findArtifact(place, entry!.digest, {});
  const changed = encodeArtifact(listed.manifest, artifact.parts, lie(artifact.description));
  await place.putManifest(changed.digest, changed);
  await addReferrer(place, changed, {});
  place.close();
}

interface Asked {
  readonly host?: string;
  readonly to?: string;
  readonly bases?: readonly string[];
  readonly engine?: RunningEngine;
  readonly cache?: string;
  readonly repository?: string;
}

let count = 0;
const newCache = () => join(tempDirectory, `cache-${count++}`);

async function withPull<T>(
  tag: number,
  { host = line.host, to, bases, engine, cache = newCache(), repository = 'app' }: Asked,
  work: (setting: Parameters<typeof pullImage>[0], pull: PullOptions & { notes: string[] }) => Promise<T>,
): Promise<T> {
  const sharedEngine = shareEngine(engine === undefined ? {} : { host: engine.host });
  const store = { ...options, shared: sharedEngine, registry: registryOptions };
  const name = parseRegistryImageName(`${host}/${repository}:${tag}`);
  const place = openRepository(name, registryOptions);
  const destination = await openDestination(to, store);
  const notes: string[] = [];
  try {
    const prepared = await preparePull(place, name, { cacheDirectory: cache, nowMs });
    const findHoldings = async () =>
      bases === undefined
        ? await listEngineHoldings(sharedEngine, store)
        : await Promise.all(bases.map((text) => nameHolding(text, store)));
    const pull = {
      ...store,
      names: [...destination.names, 'app:new'],
      notes,
      note: (text: string) => void notes.push(text),
    };
    return await work({ ...prepared, sink: destination.sink, findHoldings }, pull);
  } finally {
    destination.close();
    place.close();
    await sharedEngine.close();
  }
}

const pullTag = (tag: number, asked: Asked) =>
  withPull(tag, asked, async (setting, pull) => ({ ...(await pullImage(setting, pull)), notes: pull.notes }));
const planTag = (tag: number, asked: Asked) => withPull(tag, asked, planPull);
const layerBytes = (image: FixtureImage, position: number) => image.layers[position]!.blob.bytes.length;

describe.skipIf(missingParts('docker-classic') !== undefined)('into a Docker engine', () => {
  let engine: RunningEngine;
  const patchBytes: Record<string, number> = {};

  beforeAll(async () => {
    engine = await startEngine('docker-classic');
    patchBytes['1-2'] = await pushBetween(1, 2);
    patchBytes['2-3'] = await pushBetween(2, 3);
  }, 120_000);
  afterAll(async () => {
    await engine.stop();
  });
  beforeEach(() => {
    for (const id of imageIds(engine)) engine.docker('rmi', '-f', id);
    seedImage(engine, images[0]!, 'app:1');
    line.set({});
    line.reset();
  });

  it('a patch is all that moves, and the image is the very one', async () => {
    const { id, names, fetchedBytes, patches } = await pullTag(2, { engine });
    expect([id, names]).toEqual([images[1]!.config.digest, ['app:new']]);
    expect(patches).toHaveLength(1);
    expect(fetchedBytes).toBe(patchBytes['1-2']);
    expect(line.receivedBytes()).toBeLessThan(patchBytes['1-2']! + 20_000);
    expect(engine.docker('image', 'inspect', '-f', '{{.Id}}', 'app:new').trim()).toBe(
      images[1]!.config.digest,
    );
  });

  it('two patches in a row leave no trace of the image in between', async () => {
    const { id, patches, fetchedBytes } = await pullTag(3, { engine });
    expect(id).toBe(images[2]!.config.digest);
    expect(patches).toHaveLength(2);
    expect(fetchedBytes).toBe(patchBytes['1-2']! + patchBytes['2-3']!);
    expect(imageIds(engine)).toEqual([images[0]!.config.digest, images[2]!.config.digest].sort());
  });

  it('a patch whose base lies in two images starts from both', async () => {
    const [first, second] = [
      { tar: tarOf(6), ...gzip },
      { tar: tarOf(7), ...gzip },
    ];
    const base = buildImage({ seed: 60, layers: [first, second] });
    const target = buildImage({ seed: 61, layers: [{ tar: tarOf(8), ...gzip }, second, first] });
    const place = { root: `http://${server.host}`, repository: 'two' };
    await pushImage(place, '1', base);
    await pushImage(place, '2', target);
    const bytes = await pushBetween(1, 2, 'two');
    seedImage(engine, buildImage({ seed: 62, layers: [first, { seed: 1 }] }), 'has:first');
    seedImage(engine, buildImage({ seed: 63, layers: [second, { seed: 2 }] }), 'has:second');
    const { id, patches, fetchedBytes, notes } = await pullTag(2, { engine, repository: 'two' });
    expect([id, patches.length, fetchedBytes, notes]).toEqual([target.config.digest, 1, bytes, []]);
  });

  it('without a patch, just the missing layers are fetched', async () => {
    const { id, patches, fetchedBytes } = await pullTag(4, { engine });
    expect(id).toBe(images[3]!.config.digest);
    expect(patches).toEqual([]);
    expect(fetchedBytes).toBe(layerBytes(images[3]!, 1));
  });

  it('without a base, all layers are fetched', async () => {
    for (const id of imageIds(engine)) engine.docker('rmi', '-f', id);
    const { id, fetchedBytes } = await pullTag(3, { engine });
    expect(id).toBe(images[2]!.config.digest);
    expect(fetchedBytes).toBe(layerBytes(images[2]!, 0) + layerBytes(images[2]!, 1));
  });

  it('what is there only gets its name', async () => {
    seedImage(engine, images[3]!, 'app:4');
    expect(await pullTag(4, { engine })).toMatchObject({
      wasThere: true,
      fetchedBytes: 0,
      names: ['app:new'],
    });
  });

  it('a dry run shows the ways, and changes nothing', async () => {
    const before = imageIds(engine);
    const cache = newCache();
    const { chosen, others } = await planTag(3, { engine, cache });
    expect(chosen.steps.map((step) => step.kind)).toEqual(['patch', 'patch']);
    expect(others.map(({ bytes }) => bytes)).toEqual([layerBytes(images[2]!, 1)]);
    expect(imageIds(engine)).toEqual(before);
    expect(readdirSync(cache)).toEqual(['documents']);
  });

  it('after success the cache is empty', async () => {
    const cache = newCache();
    await pullTag(3, { engine, cache });
    expect(readdirSync(cache, { recursive: true })).toEqual(['documents']);
  });

  it.each([
    ['layers', 4, 45_000],
    ['patches', 3, 9_000],
  ])(
    'cut at 50 random places and started again, it fetches hardly anything twice: %s',
    {
      timeout: 240_000,
    },
    async (_what, tag, most) => {
      const cache = newCache();
      const noise = seededNoise(77, 100);
      for (let start = 0; start < 50; start++) {
        line.set({ cutAfterBytes: 1 + ((noise[2 * start]! * 256 + noise[2 * start + 1]!) % most) });
        await expect(pullTag(tag, { engine, cache })).rejects.toMatchObject({ code: 'UNREACHABLE' });
      }
      line.set({});
      const { id } = await pullTag(tag, { engine, cache });
      expect(id).toBe(images[tag - 1]!.config.digest);
      const bytes = tag === 3 ? patchBytes['1-2']! + patchBytes['2-3']! : layerBytes(images[3]!, 1);
      expect(line.receivedBytes()).toBeLessThan(bytes + (1 << 20));
    },
  );

  it('a patch that is damaged in the registry is left out, which is said', async () => {
    const front = await damagePatches(server.port);
    const { id, notes, patches } = await pullTag(2, { engine, host: front.host });
    expect(id).toBe(images[1]!.config.digest);
    expect(patches).toEqual([]);
    expect(notes.join()).toMatch(/The patch sha256:[0-9a-f]+ is of no use: .*Taking the next best way/);
    await front.stop();
  });

  it('a part that came damaged is fetched again', async () => {
    line.set({ corruptEvery: 60_000, corruptions: 1 });
    const { id, notes } = await pullTag(2, { engine });
    expect([id, notes]).toEqual([images[1]!.config.digest, []]);
  });

  it('a patch that claims to need less than it does is left out', async () => {
    for (const id of imageIds(engine)) engine.docker('rmi', '-f', id);
    await pushLiar(1, 2, images[1]!, 'liar', (description) => ({
      ...description,
      base: { ...description.base, layers: [] },
    }));
    const { id, notes, patches } = await pullTag(2, { engine, repository: 'liar' });
    expect([id, patches]).toEqual([images[1]!.config.digest, []]);
    expect(notes.join()).toMatch(
      /is of no use: the layers [0-9a-f, ]+ that a patch starts from are not here/,
    );
  });

  it('a patch that leads to another image than it is listed for is left out', async () => {
    await pushLiar(1, 2, images[2]!, 'stranger', (description) => description);
    const { id, notes, patches } = await pullTag(3, { engine, repository: 'stranger' });
    expect([id, patches]).toEqual([images[2]!.config.digest, []]);
    expect(notes.join()).toMatch(/is of no use: the patch leads to sha256:/);
  });

  it('a process that is killed again and again goes on each time', async () => {
    const cache = newCache();
    const words = [
      'pull',
      `${line.host}/app:4`,
      '-H',
      engine.host,
      '--cache-dir',
      cache,
      '--plain-http',
      '--json',
    ];
    line.set({ bytesPerSecond: 150_000 });
    for (let i = 0; i < 3; i++) {
      // Only once enough came that it shows afterwards.
      const onProgress = (text: string, child: ChildProcess) => {
        const { phase, doneBytes } = JSON.parse(text).progress;
        if (phase === 'pull' && doneBytes >= 60_000) child.kill('SIGKILL');
      };
      expect((await program.run(words, { onProgress })).signal).toBe('SIGKILL');
    }
    line.set({});
    const { code, stdout } = await program.run(words);
    expect(code).toBe(0);
    const { id, names, fetchedBytes } = JSON.parse(stdout);
    expect([id, names]).toEqual([images[3]!.config.digest, [`${line.host}/app:4`]]);
    expect(fetchedBytes).toBeLessThan(layerBytes(images[3]!, 1) - 50_000);
    expect(line.receivedBytes()).toBeLessThan(layerBytes(images[3]!, 1) + 3 * 200_000);
    expect(readdirSync(cache, { recursive: true })).toEqual(['documents']);
    const dry = await program.run([...words, '--dry-run']);
    expect(JSON.parse(dry.stdout)).toMatchObject({ wasThere: true, chosen: { bytes: 0 } });
  });

  it('what a power cut left in the cache is found out', async () => {
    const cache = newCache();
    line.set({ cutAfterBytes: 40_000 });
    await expect(pullTag(4, { engine, cache })).rejects.toThrow();
    const [directory] = readdirSync(cache).filter((name) => name !== 'documents');
    const [part] = readdirSync(join(cache, directory!)).filter((name) => name.endsWith('.part'));
    const path = join(cache, directory!, part!);
    const bytes = readFileSync(path);
    expect(bytes.length).toBeGreaterThan(10_000);
    bytes.fill(0, bytes.length >> 1);
    writeFileSync(path, bytes);
    // As if the layer's tar had been whole before.
    const { diffId } = images[3]!.layers[1]!;
    writeFileSync(join(cache, directory!, `${diffId.slice(7)}-${diffId.slice(7)}`), bytes);
    line.set({});
    expect((await pullTag(4, { engine, cache })).id).toBe(images[3]!.config.digest);
  });
});

describe.skipIf(missingParts('docker-26-containerd') !== undefined)('into an engine over containerd', () => {
  it('by a chain of patches, blobs and all', async () => {
    const engine = await startEngine('docker-26-containerd');
    try {
      seedImage(engine, images[0]!, 'app:1');
      const place = { root: `http://${server.host}`, repository: 'blobs' };
      for (const number of [1, 2, 3]) await pushImage(place, String(number), images[number - 1]!);
      const bytes = (await pushBetween(1, 2, 'blobs')) + (await pushBetween(2, 3, 'blobs'));
      const { id, patches, fetchedBytes } = await pullTag(3, { engine, repository: 'blobs' });
      expect([id, patches.length, fetchedBytes]).toEqual([images[2]!.manifest.digest, 2, bytes]);
      const saved = savedDigests(engine, 'app:new');
      for (const { blob } of images[2]!.layers) expect(saved).toContain(blob.digest);
      expect(imageIds(engine)).toEqual([images[0]!.manifest.digest, id].sort());
    } finally {
      await engine.stop();
    }
  });
});

describe('into an OCI layout', () => {
  it('blobs come out exact by a chain of patches from a layout', async () => {
    const place = { root: `http://${server.host}`, repository: 'chain' };
    for (const number of [1, 2, 3]) await pushImage(place, String(number), images[number - 1]!);
    await pushBetween(1, 2, 'chain');
    await pushBetween(2, 3, 'chain');
    const layout = join(tempDirectory, 'layout');
    mkdirSync(layout);
    await pullTag(1, { repository: 'chain', to: `oci:${layout}:1`, bases: [] });
    const { id, patches } = await pullTag(3, {
      repository: 'chain',
      to: `oci:${layout}:3`,
      bases: [`oci:${layout}:1`],
    });
    expect(id).toBe(images[2]!.manifest.digest);
    expect(patches).toHaveLength(2);
    const opened = await openImage(`oci:${layout}:3`, options);
    await opened.openBlobs([0, 1], options);
    await opened.close();
  });
});

/** Answers every part of a patch with other bytes. */
function damagePatches(port: number): Promise<Front> {
  return startFront(port, {
    after({ path }, answer) {
      const isPart = /\/blobs\//.test(path) && answer.status === 200 && partLike(answer.body);
      return isPart ? { ...answer, body: Buffer.alloc(Buffer.from(answer.body!).length) } : answer;
    },
  });
}

/** A patch begins with a byte that no text or tar begins with. */
function partLike(body: Uint8Array | string | undefined): boolean {
  return body !== undefined && typeof body !== 'string' && body[0] === 0x89 && body[1] === 0x64;
}
