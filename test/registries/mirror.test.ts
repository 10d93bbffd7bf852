/** Images copied with their patches from registry to registry, and patches that nobody needs taken away. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Digest } from '../../src/bytes/digest.ts';
import { referrersTag } from '../../src/fleet/referrers.ts';
import {
  createPatch,
  findPatches,
  mirrorImage,
  openImage,
  openRepository,
  parseMirrorName,
  parseRegistryImageName,
  prunePatches,
  pushPatch,
  type Repository,
} from '../../src/index.ts';
import { buildImage, buildIndex, type FixtureImage } from '../fixtures/images.ts';
import { type Front, startFront } from './front.ts';
import { pushImage, pushIndex, tagsOf } from './push.ts';
import { referrersDouble } from './referrers-double.ts';
import { type RunningRegistry, startRegistry } from './server.ts';

const tempDirectory = mkdtempSync(join(tmpdir(), 'didiff-mirror-'));
const options = { tempDirectory };
const gzip = { compression: 'gzip' } as const;
const images = [1, 2, 3].map((seed) => buildImage({ seed, layers: [{ seed: 9, ...gzip }, { ...gzip }] }));
const [one, two, three] = images as [FixtureImage, FixtureImage, FixtureImage];
const index = buildIndex([two, buildImage({ seed: 8, layers: [gzip], platform: 'linux/arm64' })]);
let server: RunningRegistry;
let other: RunningRegistry;
const patches: string[] = [];

beforeAll(async () => {
  [server, other] = await Promise.all([startRegistry(), startRegistry()]);
  await fill(server.host, 'app');
  for (const [from, to] of [
    [1, 2],
    [1, 3],
    [2, 3],
  ]) {
    const [base, target] = [from, to].map((tag) => openImage(`docker://${server.host}/app:${tag}`, options));
    const path = join(tempDirectory, `${from}-${to}.didiff`);
    await createPatch(await base!, await target!, path, options);
    for (const image of [base!, target!]) await (await image).close();
    patches.push(path);
  }
});
afterAll(async () => {
  await Promise.all([server.stop(), other.stop()]);
  rmSync(tempDirectory, { recursive: true, force: true });
});

async function fill(host: string, repository: string): Promise<void> {
  const place = { root: `http://${host}`, repository };
  for (const [i, image] of images.entries()) await pushImage(place, String(i + 1), image);
}

function open(host: string, repository: string): Repository {
  return openRepository({ registry: host, repository }, { plainHttp: true, env: {} });
}

/** All three patches, each with its base named, a day apart from 2024-01-01 on. */
async function pushAll(repository: Repository): Promise<readonly Digest[]> {
  const pushed: Digest[] = [];
  for (const [i, path] of patches.entries()) {
    const base = i === 2 ? two : one;
    const diffIds = base.layers.map(({ diffId }) => diffId);
    const named = { name: 'base', manifest: base.manifest.digest, diffIds };
    const nowMs = Date.parse('2024-01-01T00:00:00Z') + i * 86_400_000;
    pushed.push((await pushPatch(path, repository, { ...options, nowMs, base: named })).artifact);
  }
  return pushed;
}

const listed = async (repository: Repository, image: FixtureImage) =>
  (await findPatches(repository, image.manifest.digest, {})).map(({ digest }) => digest).sort();

describe('a mirror', () => {
  it('has the image and its patches, byte for byte, and is not sent twice', async () => {
    const [from, to] = [open(server.host, 'app'), open(other.host, 'copy/app')];
    const [, second, third] = await pushAll(from);
    const first = await mirrorImage(from, '3', to, 'stable', options);
    expect(first.digest).toBe(three.manifest.digest);
    expect([...first.patches].sort()).toEqual([second, third].sort());
    expect(first.sentBytes).toBeGreaterThan(three.layers[1]!.blob.bytes.length);
    expect(await listed(to, three)).toEqual([second, third].sort());
    expect((await tagsOf({ root: `http://${other.host}`, repository: 'copy/app' }))['stable']).toBe(
      three.manifest.digest,
    );
    const image = await openImage(`docker://${other.host}/copy/app:stable`, options);
    await image.openBlobs([0, 1], options);
    await image.close();
    expect((await mirrorImage(from, '3', to, 'stable', options)).sentBytes).toBe(0);
    const beside = open(server.host, 'beside');
    expect((await mirrorImage(from, '3', beside, 'stable', options)).sentBytes).toBe(0);
    for (const each of [from, to, beside]) each.close();
  });

  it('of an index has all its platforms, and the patches of each', async () => {
    const [from, to] = [open(server.host, 'multi'), open(other.host, 'multi')];
    await pushIndex({ root: `http://${server.host}`, repository: 'multi' }, '2', index);
    await pushImage({ root: `http://${server.host}`, repository: 'multi' }, '1', one);
    const { artifact } = await pushPatch(patches[0]!, from, { ...options, nowMs: 0 });
    const { digest, patches: copied } = await mirrorImage(from, '2', to, '2', options);
    expect([digest, copied]).toEqual([index.index.digest, [artifact]]);
    const platform = { os: 'linux', architecture: 'arm64' };
    await (await openImage(`docker://${other.host}/multi:2`, { ...options, platform })).close();
    for (const each of [from, to]) each.close();
  });

  it('is told when the image is not there, and has the tag that it was given', async () => {
    const [from, to] = [open(server.host, 'app'), open(other.host, 'none')];
    await expect(mirrorImage(from, '9', to, '9', options)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const named = parseRegistryImageName('localhost:5000/app:1');
    expect(parseMirrorName('localhost:5001/app', named).tag).toBe('1');
    expect(parseMirrorName('localhost:5001/app:2', named).tag).toBe('2');
    const byDigest = parseRegistryImageName(`localhost:5000/app@${one.manifest.digest}`);
    expect(parseMirrorName('localhost:5001/app', byDigest).tag).toBeUndefined();
    expect(() => parseMirrorName(`localhost:5001/app@${one.manifest.digest}`, named)).toThrow('has a digest');
    for (const each of [from, to]) each.close();
  });
});

describe.each([
  ['without the referrers API', false],
  ['with the referrers API (a double)', true],
])('pruning in a registry %s', (_what, hasApi) => {
  let front: Front;
  let repository: Repository;
  let pushed: readonly Digest[];
  const name = `prune-${hasApi}`;
  const none = { baseGone: false, dryRun: false };

  beforeAll(async () => {
    front = await startFront(server.port, hasApi ? referrersDouble() : {});
    await fill(server.host, name);
    repository = open(front.host, name);
    pushed = await pushAll(repository);
  });
  afterAll(async () => {
    repository.close();
    await front.stop();
  });

  it('takes nothing that is of use', async () => {
    expect(await prunePatches(repository, none)).toEqual({ pruned: [], keptPatches: 3 });
    expect(await prunePatches(repository, { ...none, baseGone: true, beforeMs: 0 })).toMatchObject({
      keptPatches: 3,
    });
  });

  it('shows what would go, and takes what is old, and only that', async () => {
    const old = { ...none, beforeMs: Date.parse('2024-01-02T12:00:00Z') };
    const would = await prunePatches(repository, { ...old, dryRun: true });
    expect(would.pruned.map(({ digest, reason }) => [digest, reason]).sort()).toEqual(
      [pushed[0], pushed[1]].map((digest) => [digest, 'old']).sort(),
    );
    expect(await listed(repository, three)).toEqual([pushed[1], pushed[2]].sort());
    expect(await prunePatches(repository, old)).toEqual({ ...would, keptPatches: 1 });
    expect([await listed(repository, two), await listed(repository, three)]).toEqual([[], [pushed[2]]]);
    expect(await repository.findManifestSize(pushed[1]!)).toBeUndefined();
    const index = await repository.findManifest(referrersTag(three.manifest.digest));
    expect(Buffer.from(index?.document.bytes ?? '').toString()).not.toContain(pushed[1]);
    expect(index === undefined).toBe(hasApi);
  });

  it('takes those whose base or target is gone', async () => {
    await repository.deleteManifest(two.manifest.digest);
    expect(await prunePatches(repository, { ...none, baseGone: true, dryRun: true })).toMatchObject({
      pruned: expect.arrayContaining([expect.objectContaining({ digest: pushed[2], reason: 'base gone' })]),
    });
    // Nothing leads to what only the registry itself knows of.
    if (hasApi) return;
    await repository.deleteManifest(three.manifest.digest);
    const { pruned, keptPatches } = await prunePatches(repository, none);
    expect(pruned.map(({ digest, reason }) => [digest, reason])).toEqual([[pushed[2], 'target gone']]);
    expect(keptPatches).toBe(0);
    expect(await listed(repository, three)).toEqual([]);
  });
});
