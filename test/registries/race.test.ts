/** Two and more who write the list of what refers to an image, at once, in a registry without the referrers API. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EMPTY_CONFIG, encodeArtifact, PART_TYPE } from '../../src/fleet/artifact.ts';
import type { PatchDescription } from '../../src/fleet/description.ts';
import { addReferrer, referrersTag } from '../../src/fleet/referrers.ts';
import { type RawDocument, rawDocument } from '../../src/image/manifest.ts';
import { OCI_INDEX, OCI_MANIFEST } from '../../src/image/media-types.ts';
import { openRepository, type Repository } from '../../src/index.ts';
import { json } from '../fixtures/images.ts';
import { seededNoise } from '../fixtures/random.ts';
import { startFront } from './front.ts';
import { pushBlob, pushManifest } from './push.ts';
import { type RunningRegistry, startRegistry } from './server.ts';
import { describeRegistry } from './suite.ts';

describeRegistry('the list of referrers', () => {
  let server: RunningRegistry;
  beforeAll(async () => {
    server = await startRegistry();
  });
  afterAll(() => server.stop());

  function open(host: string, repository: string): Repository {
    return openRepository(
      { registry: host, repository },
      { plainHttp: true, env: {}, retry: { baseDelayMs: 20 } },
    );
  }

  describe('two who write the list of referrers at once', () => {
    const part = rawDocument(seededNoise(9, 1000), PART_TYPE);

    it('lose no entry, a hundred times; nor one that another tool wrote before', {
      timeout: 300_000,
    }, async () => {
      const place = { root: `http://${server.host}`, repository: 'race/app' };
      await pushBlob(place, part);
      await pushBlob(place, EMPTY_CONFIG);
      const writers = [open(server.host, 'race/app'), open(server.host, 'race/app')];
      const lost: string[] = [];
      for (let round = 0; round < 100; round++) {
        const subject = json(OCI_MANIFEST, { round });
        const foreign = artifactFor(subject, `foreign ${round}`);
        const others = {
          mediaType: OCI_MANIFEST,
          digest: foreign.digest,
          size: foreign.bytes.length,
          urls: ['x'],
        };
        await pushManifest(place, foreign.digest, foreign);
        const before = json(OCI_INDEX, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [others] });
        if (round % 2 === 0) await pushManifest(place, referrersTag(subject.digest), before);
        const written = await Promise.all(
          writers.map(async (repository, writer) => {
            const artifact = artifactFor(subject, `${round} ${writer}`);
            await repository.putManifest(artifact.digest, artifact);
            await addReferrer(repository, artifact, {});
            return artifact.digest;
          }),
        );
        const index = await writers[0]!.findManifest(referrersTag(subject.digest));
        const { manifests } = JSON.parse(Buffer.from(index!.document.bytes).toString());
        const found = new Set(manifests.map((entry: { digest: string }) => entry.digest));
        const wanted = round % 2 === 0 ? [...written, foreign.digest] : written;
        lost.push(...wanted.filter((digest) => !found.has(digest)));
        if (round % 2 === 0) expect(manifests).toContainEqual(others);
      }
      expect(lost).toEqual([]);
      for (const writer of writers) writer.close();
    });

    it('wait for each other where the registry knows conditions', async () => {
      const place = { root: `http://${server.host}`, repository: 'race/conditions' };
      await pushBlob(place, part);
      await pushBlob(place, EMPTY_CONFIG);
      const subject = json(OCI_MANIFEST, { subject: 'of conditions' });
      const versions = new Map<string, string>();
      let refused = 0;
      const front = await startFront(server.port, {
        before({ method, path, headers }) {
          if (method !== 'PUT' || !path.endsWith(referrersTag(subject.digest))) return undefined;
          const version = versions.get(path);
          const isRight =
            version === undefined ? headers['if-none-match'] === '*' : headers['if-match'] === `"${version}"`;
          if (!isRight) refused++;
          // From here on no other version is the right one.
          else versions.set(path, 'one that is being written');
          return isRight ? undefined : { status: 412 };
        },
        after(request, answer) {
          const digest = answer.headers?.['docker-content-digest'];
          if (request.method === 'PUT' && answer.status === 201) versions.set(request.path, digest!);
          return answer;
        },
      });
      const writers = Array.from({ length: 6 }, () => open(front.host, 'race/conditions'));
      const written = await Promise.all(
        writers.map(async (repository, writer) => {
          const artifact = artifactFor(subject, `writer ${writer}`);
          await repository.putManifest(artifact.digest, artifact);
          await addReferrer(repository, artifact, {});
          return artifact.digest;
        }),
      );
      const index = await writers[0]!.findManifest(referrersTag(subject.digest));
      const { manifests } = JSON.parse(Buffer.from(index!.document.bytes).toString());
      expect(manifests.map((entry: { digest: string }) => entry.digest)).toEqual(written.sort());
      expect(refused).toBeGreaterThan(0);
      for (const writer of writers) writer.close();
      await front.stop();
    });

    function artifactFor(subject: RawDocument, name: string): RawDocument {
      const description: PatchDescription = {
        patch: { digest: part.digest, sizeBytes: part.bytes.length },
        requires: [],
        base: { name, layers: [] },
        target: {
          config: subject.digest,
          platform: { os: 'linux', architecture: 'amd64' },
          layers: [],
          hasBlobs: true,
        },
        memoryBytes: 0,
        created: '',
      };
      return encodeArtifact(subject, [{ digest: part.digest, sizeBytes: part.bytes.length }], description);
    }
  });
});
