import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeDockerArchive } from '../../test/fixtures/docker-archive.ts';
import { buildImage } from '../../test/fixtures/images.ts';
import { writeOciLayout } from '../../test/fixtures/oci-layout.ts';
import { applyPatch, checkPatch, createPatch, openDestination, openImage, openPatch } from '../index.ts';

const directory = mkdtempSync(join(tmpdir(), 'didiff-check-'));
const options = { tempDirectory: directory };
const patch = join(directory, 'patch');
const image = (name: string) => openImage(`oci:${join(directory, 'images')}:${name}`, options);

beforeAll(async () => {
  const old = buildImage({ seed: 1, layers: [{ compression: 'zstd' }, { seed: 5, compression: 'none' }] });
  const next = buildImage({
    seed: 1,
    layers: [{ compression: 'zstd' }, { seed: 5, variant: 3, compression: 'none' }],
  });
  writeOciLayout(join(directory, 'images'), [
    { image: old, ref: 'old' },
    { image: next, ref: 'new' },
  ]);
  writeOciLayout(join(directory, 'receiver'), [{ image: old, ref: 'old' }]);
  writeDockerArchive(join(directory, 'old.tar'), [{ image: old, names: ['app:1'] }], 'legacy');
  const [base, target] = [await image('old'), await image('new')];
  await createPatch(base, target, patch, options);
  await base.close();
  await target.close();
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Both ways over the same base and destination; gives the code of the error, or what came of it. */
async function both(base: string, destination: string) {
  const open = () => openImage(base, options);
  const check = async () => {
    const { reader } = await openPatch(patch);
    const { sink, close } = await openDestination(destination, options);
    const from = await open();
    try {
      return await checkPatch(reader, from, sink, options);
    } finally {
      await from.close();
      close();
      await reader.close();
    }
  };
  const apply = async () => {
    const { reader } = await openPatch(patch);
    const { sink, close } = await openDestination(destination, options);
    try {
      return await applyPatch(reader, open, sink, options);
    } finally {
      close();
      await reader.close();
    }
  };
  const before = readdirSync(directory).sort();
  const checked = await check().catch((error) => error.code);
  expect(readdirSync(directory).sort()).toEqual(before);
  return { checked, applied: await apply().catch((error) => error.code) };
}

describe('a check', () => {
  it('finds, as applying does, that a base lacks a compressed layer the target shares', async () => {
    const found = await both(
      `docker-archive:${join(directory, 'old.tar')}`,
      `oci:${join(directory, 'fresh')}`,
    );
    expect(found).toEqual({ checked: 'BASE_MISMATCH', applied: 'BASE_MISMATCH' });
  });

  it('does not ask the base for what the destination has', async () => {
    const to = `oci:${join(directory, 'receiver')}:new`;
    const { checked, applied } = await both(`docker-archive:${join(directory, 'old.tar')}`, to);
    expect(checked).toMatchObject({ wasThere: false, provedLayers: 1 });
    expect(applied).toMatchObject({ wasThere: false, writtenLayers: 1 });
  });

  it('proves all layers where they go into an archive', async () => {
    const base = `oci:${join(directory, 'images')}:old`;
    const { checked, applied } = await both(base, `docker-archive:${join(directory, 'new.tar')}`);
    expect(checked).toMatchObject({ provedLayers: 2 });
    expect(applied).toMatchObject({ writtenLayers: 2 });
  });

  it('counts scratch space only for layers of the base that are not read in place', async () => {
    const needed = async (base: string) => {
      const { reader } = await openPatch(patch);
      const from = await openImage(base, options);
      try {
        return (await checkPatch(reader, from, undefined, options)).needs.scratchBytes;
      } finally {
        await from.close();
        await reader.close();
      }
    };
    expect(await needed(`docker-archive:${join(directory, 'old.tar')}`)).toBe(0);
    const old = await image('old');
    const [packed] = await old.openTars([0], options);
    // The second layer of the layout is its tar, the first is packed.
    expect(await needed(`oci:${join(directory, 'images')}:old`)).toBe(packed!.content.sizeBytes);
    await old.close();
  });
});
