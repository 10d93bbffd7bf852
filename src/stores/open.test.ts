import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeDockerArchive } from '../../test/fixtures/docker-archive.ts';
import { buildImage, targetOf } from '../../test/fixtures/images.ts';
import { openDestination, openImage } from './open.ts';

const root = mkdtempSync(join(tmpdir(), 'didiff-open-'));
// No engine listens there.
const options = { tempDirectory: root, host: `unix://${join(root, 'no.sock')}` };
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('an image', () => {
  const image = buildImage({ seed: 1, layers: [{}] });

  it('goes from each kind of file to each other, by references alone', async () => {
    writeDockerArchive(join(root, 'in.tar'), [{ image, names: ['app:1'] }], 'containerd');
    const places = [
      `oci:${root}/layout:v1`,
      `oci-archive:${root}/layout.tar:v1`,
      `docker-archive:${root}/out.tar:app:1`,
    ];
    let from = join(root, 'in.tar');
    for (const to of places) {
      const opened = await openImage(from, options);
      const { sink, close } = await openDestination(to, options);
      for (const position of await sink.begin(targetOf(image))) {
        const { tar, blob } = image.layers[position]!;
        await sink.putLayer(
          position,
          (async function* () {
            yield sink.takes === 'tar' ? tar : blob.bytes;
          })(),
        );
      }
      await sink.commit(targetOf(image), []);
      close();
      expect((await opened.readMetadata(options)).config.digest).toBe(image.config.digest);
      await opened.close();
      from = to;
    }
    await (await openImage(from, options)).close();
  });

  it('of a registry that is not there is UNREACHABLE, and written to by tag only', async () => {
    await expect(openImage('docker://127.0.0.1:1/app:1', options)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: 'can not reach the registry at 127.0.0.1:1: nothing listens there',
    });
    const digest = `docker://127.0.0.1:1/app@sha256:${'0'.repeat(64)}`;
    await expect(openDestination(digest, options)).rejects.toMatchObject({ code: 'USAGE' });
  });

  it('of an engine that is not there says what else was tried', async () => {
    await expect(openImage('app.tar', options)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      hint: expect.stringContaining('There is no file app.tar'),
    });
  });

  it('is refused as a destination before anything is asked of an engine, when its name is none', async () => {
    await expect(openDestination('Not-A-Name', options)).rejects.toMatchObject({ code: 'USAGE' });
    await expect(openDestination('./new', options)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(openDestination('out.tar', options)).rejects.toMatchObject({ code: 'USAGE' });
  });
});
