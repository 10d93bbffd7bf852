/** What `create` does when a patch that it made is wrong: here, as what closes strings of JSON makes an error. */
import { existsSync, readdirSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { DidiffError } from '../../src/errors.ts';
import { stringsFiles } from '../fixtures/archives.ts';
import { buildImage } from '../fixtures/images.ts';
import {
  applyTo,
  expectImage,
  failureOf,
  makePatch,
  openReader,
  openWorkshop,
  writeFixture,
} from '../fixtures/patching.ts';
import { file, layer } from './scenario.ts';

const faults = vi.hoisted(() => ({ ofStrings: false, ofAll: false, proofs: 0, onProof: () => {} }));

vi.mock('../../src/nested/strings/close-strings.ts', async (load) => {
  const real = await load<typeof import('../../src/nested/strings/close-strings.ts')>();
  const broken = (piece: Uint8Array) => (faults.ofStrings ? piece.map((byte) => byte ^ 1) : piece);
  return {
    closeStrings: (sink: (piece: Uint8Array) => void) => real.closeStrings((piece) => sink(broken(piece))),
  };
});

vi.mock('../../src/create/prove.ts', async (load) => {
  const real = await load<typeof import('../../src/create/prove.ts')>();
  return {
    ...real,
    async provePatch(...given: Parameters<typeof real.provePatch>) {
      faults.proofs++;
      faults.onProof();
      if (faults.ofAll) throw new DidiffError('RESULT_MISMATCH', 'layer 0 comes out as another');
      await real.provePatch(...given);
    },
  };
});

const workshop = openWorkshop();
const imageOf = (release: 0 | 1) =>
  buildImage({
    seed: 3,
    layers: [layer(...stringsFiles(release).map(({ name, content }) => file(name, content)))],
  });
const target = imageOf(1);
const base = writeFixture(workshop, 'docker-archive', imageOf(0));
const next = writeFixture(workshop, 'docker-archive', target);

test('a patch that is not right is made again, more plainly, and that is told', async () => {
  const right = await makePatch(workshop, base, next, workshop.newPath('patch'));
  expect(right.unproved).toBeUndefined();

  faults.ofStrings = true;
  const path = workshop.newPath('patch');
  const { unproved, patchBytes } = await makePatch(workshop, base, next, path);
  faults.ofStrings = false;
  expect(unproved).toMatch(/^layer 0 of the new patch comes out as sha256:/);
  expect(patchBytes).toBeGreaterThan(right.patchBytes);

  const reader = await openReader(path);
  expect(reader.header.requires).toEqual([]);
  await reader.close();
  const made = `docker-archive:${workshop.newPath('image.tar')}`;
  await applyTo(workshop, path, base, made);
  await expectImage(workshop, made, target);
});

test('where that is not right either, create fails, and leaves nothing', async () => {
  Object.assign(faults, { ofAll: true, proofs: 0 });
  const path = workshop.newPath('patch');
  const error = await failureOf(makePatch(workshop, base, next, path));
  faults.ofAll = false;
  expect(error).toMatchObject({ code: 'RESULT_MISMATCH', message: 'layer 0 comes out as another' });
  expect(faults.proofs).toBe(2);
  expect(existsSync(path)).toBe(false);
  expect(readdirSync(workshop.tempDirectory)).toEqual([]);
});

test('what the user breaks off is not tried again', async () => {
  const stopped = new AbortController();
  Object.assign(faults, { ofAll: true, proofs: 0, onProof: () => stopped.abort() });
  await failureOf(makePatch(workshop, base, next, workshop.newPath('patch'), { signal: stopped.signal }));
  Object.assign(faults, { ofAll: false, onProof: () => {} });
  expect(faults.proofs).toBe(1);
});
