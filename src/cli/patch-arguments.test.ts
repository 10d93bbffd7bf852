import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { buildImage, buildIndex } from '../../test/fixtures/images.ts';
import { writeOciLayout } from '../../test/fixtures/oci-layout.ts';
import * as library from '../index.ts';
import { openArguments } from './patch-arguments.ts';

const directory = mkdtempSync(join(tmpdir(), 'didiff-arguments-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** One that this machine is not, whichever it is. */
const elsewhere = { os: 'linux', architecture: 's390x' };
const options = { tempDirectory: directory };
const layers = [{ compression: 'none' }] as const;
const image = (seed: number, platform: string) => buildImage({ seed, platform, layers });

async function makePatch(): Promise<string> {
  const [here, there] = [image(1, 'linux/amd64'), image(2, 'linux/s390x')];
  writeOciLayout(join(directory, 'layout'), [
    { index: buildIndex([here, image(3, 'linux/arm64'), there]), ref: 'all' },
    { image: image(4, 'linux/s390x'), ref: 'next' },
  ]);
  const open = (ref: string) =>
    library.openImage(`oci:${join(directory, 'layout')}:${ref}`, { ...options, platform: elsewhere });
  const [base, target] = [await open('all'), await open('next')];
  await library.createPatch(base, target, join(directory, 'patch'), options);
  await base.close();
  await target.close();
  return join(directory, 'patch');
}

describe('the base that is named', () => {
  it('is the image of an index for the platform of the patch, unless another is asked for', async () => {
    const patch = await makePatch();
    const base = `oci:${join(directory, 'layout')}:all`;
    for (const platform of [undefined, { os: 'linux', architecture: 'arm64' }]) {
      const found = await openArguments(library, { patch, base }, { ...options, platform });
      if (found.kind !== 'patch') throw new Error('a bundle was opened');
      const opened = await found.openBase();
      expect(opened.platform).toEqual(platform ?? elsewhere);
      await opened.close();
      await found.close();
    }
  });
});
