/** Patches in registries, with the referrers API and without: pushed, listed, fetched, and none lost. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Digest, sha256 } from '../../src/bytes/digest.ts';
import { ARTIFACT_TYPE, EMPTY_CONFIG, PART_TYPE } from '../../src/fleet/artifact.ts';
import { addReferrer, referrersTag } from '../../src/fleet/referrers.ts';
import type { RawDocument } from '../../src/image/manifest.ts';
import { OCI_MANIFEST } from '../../src/image/media-types.ts';
import {
  createPatch,
  findArtifact,
  findPatches,
  listOffers,
  openImage,
  openRepository,
  pushPatch,
  type Repository,
  readParts,
} from '../../src/index.ts';
import { buildImage, json } from '../fixtures/images.ts';
import { buildTar } from '../fixtures/layer-tar.ts';
import { seededNoise } from '../fixtures/random.ts';
import { startBadLine } from './bad-line.ts';
import { type Front, type FrontHooks, startFront } from './front.ts';
import { pushBlob, pushImage } from './push.ts';
import { referrersDouble } from './referrers-double.ts';
import { type RunningRegistry, startRegistry } from './server.ts';
import { describeRegistry } from './suite.ts';

describeRegistry('patches in a registry', () => {
  const hasSkopeo = spawnSync('skopeo', ['--version']).status === 0;
  const tempDirectory = mkdtempSync(join(tmpdir(), 'didiff-patches-'));
  const options = { tempDirectory };
  const nowMs = Date.parse('2024-05-06T07:08:09Z');
  const tarOf = (seed: number, sizeBytes: number) =>
    buildTar([{ name: 'data', type: '0', content: seededNoise(seed, sizeBytes) }]);
  const base = buildImage({ seed: 1, layers: [{ tar: tarOf(1, 100_000) }] });
  const target = buildImage({ seed: 2, layers: [{ tar: tarOf(1, 100_000) }, { tar: tarOf(2, 1_200_000) }] });
  const patch = join(tempDirectory, 'app.didiff');
  let server: RunningRegistry;

  beforeAll(async () => {
    server = await startRegistry();
    const place = { root: `http://${server.host}`, repository: 'made' };
    await pushImage(place, '1', base);
    await pushImage(place, '2', target);
    const from = await openImage(`docker://${server.host}/made:1`, options);
    const to = await openImage(`docker://${server.host}/made:2`, options);
    await createPatch(from, to, patch, options);
    await from.close();
    await to.close();
  });
  afterAll(async () => {
    await server.stop();
    rmSync(tempDirectory, { recursive: true, force: true });
  });

  function open(host: string, repository: string): Repository {
    return openRepository(
      { registry: host, repository },
      { plainHttp: true, env: {}, retry: { baseDelayMs: 20 } },
    );
  }

  const kinds: readonly (readonly [string, () => FrontHooks, boolean])[] = [
    ['without the referrers API', () => ({}), false],
    ['with the referrers API (a double)', referrersDouble, true],
  ];

  describe.each(kinds)('a registry %s', (_, hooks, hasApi) => {
    let front: Front;
    let repository: Repository;
    const name = () => ({ registry: front.host, repository: repository.repository, tag: '2' });
    beforeAll(async () => {
      front = await startFront(server.port, hooks());
      // The two runs share the registry behind.
      repository = open(front.host, hasApi ? 'app/with' : 'app/without');
      const place = { root: `http://${front.host}`, repository: repository.repository };
      await pushImage(place, '1', base);
      await pushImage(place, '2', target);
    });
    afterAll(async () => {
      repository.close();
      await front.stop();
    });

    it('takes a patch, lists it for its target, and gives it back', async () => {
      const manifest = base.manifest.digest;
      const diffIds = base.layers.map((layer) => layer.diffId);
      const named = { name: 'app:1', manifest, diffIds };
      const pushed = await pushPatch(patch, repository, { ...options, nowMs, base: named });
      expect(pushed).toMatchObject({
        target: target.manifest.digest,
        patchBytes: readFileSync(patch).length,
        parts: 2,
        wasThere: false,
        isTargetThere: true,
      });
      const offers = await listOffers(repository, name(), {});
      expect(offers.target).toBe(target.manifest.digest);
      expect(offers.patches).toEqual([
        {
          digest: pushed.artifact,
          description: {
            patch: { digest: sha256(readFileSync(patch)), sizeBytes: pushed.patchBytes },
            requires: expect.any(Array),
            base: {
              name: `docker://${server.host}/made:1`,
              manifest,
              layers: [{ diffId: diffIds[0], sizeBytes: base.layers[0]!.tar.length }],
            },
            target: {
              config: target.config.digest,
              platform: { os: 'linux', architecture: 'amd64' },
              layers: target.layers.map(({ diffId, tar }) => ({ diffId, sizeBytes: tar.length })),
              hasBlobs: true,
            },
            memoryBytes: expect.any(Number),
            created: '2024-05-06T07:08:09Z',
          },
        },
      ]);
      const artifact = await findArtifact(repository, pushed.artifact, {});
      expect(sha256(await all(readParts(repository, artifact, {})))).toBe(sha256(readFileSync(patch)));
    });

    it('has the artifact in the form of the specification', async () => {
      const [entry] = await findPatches(repository, target.manifest.digest, {});
      const found = await fetch(
        `http://${front.host}/v2/${repository.repository}/manifests/${entry!.digest}`,
        {
          headers: { accept: OCI_MANIFEST },
        },
      );
      expect(found.headers.get('content-type')).toBe(OCI_MANIFEST);
      const manifest = (await found.json()) as Record<string, unknown>;
      expect(manifest).toMatchObject({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        artifactType: ARTIFACT_TYPE,
        config: { mediaType: 'application/vnd.oci.empty.v1+json', size: 2, data: 'e30=' },
        subject: {
          mediaType: OCI_MANIFEST,
          digest: target.manifest.digest,
          size: target.manifest.bytes.length,
        },
      });
      expect((manifest['layers'] as { mediaType: string }[]).map((layer) => layer.mediaType)).toEqual([
        PART_TYPE,
        PART_TYPE,
      ]);
      const tag = await repository.findManifest(referrersTag(target.manifest.digest));
      expect(tag === undefined).toBe(hasApi);
    });

    it('takes the same patch only once', async () => {
      const named = {
        name: 'app:1',
        manifest: base.manifest.digest,
        diffIds: base.layers.map((layer) => layer.diffId),
      };
      const again = await pushPatch(patch, repository, { ...options, nowMs: nowMs + 1e9, base: named });
      expect(again).toMatchObject({ wasThere: true, sentBytes: 0 });
      expect(await findPatches(repository, target.manifest.digest, {})).toHaveLength(1);
    });

    it('shows patches only, whatever else refers to the image, however many', async () => {
      await pushBlob({ root: `http://${front.host}`, repository: repository.repository }, EMPTY_CONFIG);
      for (let i = 0; i < 5; i++) {
        const other = json(OCI_MANIFEST, {
          schemaVersion: 2,
          mediaType: OCI_MANIFEST,
          artifactType: i === 0 ? ARTIFACT_TYPE : 'application/x-signature',
          config: describeBlob(EMPTY_CONFIG),
          layers: [],
          subject: describeBlob(target.manifest),
          annotations: { number: String(i), 'vnd.didiff.patch.digest': 'not one' },
        });
        const { listsReferrer } = await repository.putManifest(other.digest, other);
        expect(listsReferrer).toBe(hasApi);
        if (!listsReferrer) await addReferrer(repository, other, {});
      }
      expect(await findPatches(repository, target.manifest.digest, {})).toHaveLength(1);
    });

    it.runIf(hasSkopeo)('has an artifact that skopeo copies as it is', async () => {
      const [entry] = await findPatches(repository, target.manifest.digest, {});
      const layout = join(tempDirectory, `artifact-${hasApi}`);
      // Straight from the registry: the front is in this process, which waits.
      const from = `docker://${server.host}/${repository.repository}@${entry!.digest}`;
      const words = ['--insecure-policy', 'copy', '-q', '--src-tls-verify=false', '--preserve-digests'];
      execFileSync('skopeo', [...words, from, `oci:${layout}:patch`]);
      const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
      expect(index.manifests[0].digest).toBe(entry!.digest);
    });
  });

  describe('pushing a patch', () => {
    it('refuses a base that is not its base, and a damaged patch, before anything is sent', async () => {
      const repository = open(server.host, 'refused');
      const wrong = { name: 'other', manifest: base.manifest.digest, diffIds: [] };
      await expect(pushPatch(patch, repository, { ...options, nowMs, base: wrong })).rejects.toMatchObject({
        code: 'BASE_MISMATCH',
      });
      const damaged = join(tempDirectory, 'damaged.didiff');
      const bytes = readFileSync(patch);
      bytes[bytes.length >> 1]! ^= 1;
      const { writeFileSync } = await import('node:fs');
      writeFileSync(damaged, bytes);
      await expect(pushPatch(damaged, repository, { ...options, nowMs })).rejects.toMatchObject({
        code: 'CORRUPT_INPUT',
      });
      expect(await repository.findBlobSize(EMPTY_CONFIG.digest)).toBeUndefined();
      repository.close();
    });

    it('over a line that is cut sends hardly more than the patch; fetching over a bad one heals', async () => {
      const line = await startBadLine(server.port);
      const repository = open(line.host, 'line/app');
      line.set({ cutSentAfterBytes: 700_000, cuts: 3 });
      const { artifact, patchBytes } = await pushPatch(patch, repository, { ...options, nowMs });
      expect(line.sentBytes()).toBeLessThan(patchBytes + 3 * 800_000 + 50_000);
      line.set({ corruptEvery: 500_000, corruptions: 1 });
      const found = await findArtifact(repository, artifact, {});
      line.reset();
      expect(sha256(await all(readParts(repository, found, {})))).toBe(sha256(readFileSync(patch)));
      // One part came twice.
      expect(line.receivedBytes()).toBeLessThan(patchBytes + (1 << 20) + 50_000);
      repository.close();
      await line.stop();
    });
  });

  function describeBlob(blob: RawDocument): { mediaType: string; digest: Digest; size: number } {
    return { mediaType: blob.mediaType, digest: blob.digest, size: blob.bytes.length };
  }

  async function all(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
    const found: Uint8Array[] = [];
    for await (const piece of pieces) found.push(piece);
    return Buffer.concat(found);
  }
});
