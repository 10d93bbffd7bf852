/** An abort at any moment of create or apply leaves no temporary file and no changed store; or the work was done. */
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { toDidiffError } from '../../src/errors.ts';
import { writeOciLayout } from '../fixtures/oci-layout.ts';
import {
  applyTo,
  expectBytes,
  expectImage,
  type FileForm,
  makePatch,
  openWorkshop,
  writeFixture,
} from '../fixtures/patching.ts';
import { snapshotOf } from '../fixtures/snapshot.ts';
import { largePair } from './pair.ts';

const workshop = openWorkshop();
const { base, target } = largePair(300_000);
const baseReference = writeFixture(workshop, 'oci', base);
const targetReference = writeFixture(workshop, 'oci', target);
const patch = workshop.newPath('patch');
await makePatch(workshop, baseReference, targetReference, patch);

/** Runs `work` with a signal that is aborted after so many turns of the event loop; true when it was done before. */
async function abortedAfter(
  turns: number,
  work: (signal: AbortSignal) => Promise<unknown>,
): Promise<boolean> {
  const controller = new AbortController();
  let ended = false;
  const working = work(controller.signal).finally(() => {
    ended = true;
  });
  working.catch(() => {});
  for (let turn = 0; turn < turns && !ended; turn++) await setImmediate();
  controller.abort();
  try {
    await working;
    return true;
  } catch (error) {
    expect(toDidiffError(error)).toMatchObject({ code: 'CANCELLED' });
    return false;
  } finally {
    expect(readdirSync(workshop.tempDirectory)).toEqual([]);
  }
}

/** Calls `step` with more and more turns until the work was done before the abort. */
async function sweep(step: (turns: number) => Promise<boolean>): Promise<void> {
  let cancelled = 0;
  for (let turns = 0; !(await step(turns)); turns += 1 + (turns >> 2)) cancelled++;
  expect(cancelled).toBeGreaterThan(5);
}

test('create, aborted', async () => {
  await sweep(async (turns) => {
    const path = workshop.newPath('new');
    const done = await abortedAfter(turns, (signal) =>
      makePatch(workshop, baseReference, targetReference, path, { signal }),
    );
    expect(readdirSync(dirname(path))).toEqual(done ? ['new'] : []);
    if (done) expectBytes(readFileSync(path), readFileSync(patch), 'patch');
    return done;
  });
});

test('create over a patch that is there, aborted, leaves that one', async () => {
  const path = workshop.newPath('old');
  await makePatch(workshop, targetReference, baseReference, path);
  const before = readFileSync(path);
  for (const turns of [0, 3, 10, 20]) {
    const done = await abortedAfter(turns, (signal) =>
      makePatch(workshop, baseReference, targetReference, path, { signal }),
    );
    if (done) break;
    expectBytes(readFileSync(path), before, 'the patch of before');
  }
});

describe('apply, aborted', () => {
  test.each(['docker-archive', 'oci-archive'] as const)('to a new %s', async (form: FileForm) => {
    await sweep(async (turns) => {
      const path = workshop.newPath('result');
      const reference = `${form}:${path}`;
      const done = await abortedAfter(turns, (signal) =>
        applyTo(workshop, patch, baseReference, reference, { signal }),
      );
      expect(readdirSync(dirname(path))).toEqual(done ? ['result'] : []);
      if (done) await expectImage(workshop, reference, target);
      return done;
    });
  });

  test('to a new OCI layout in a folder that is not there', async () => {
    await sweep(async (turns) => {
      const path = workshop.newPath('deep/down/layout');
      const done = await abortedAfter(turns, (signal) =>
        applyTo(workshop, patch, baseReference, `oci:${path}:new`, { signal }),
      );
      expect(existsSync(dirname(dirname(path)))).toBe(done);
      if (done) await expectImage(workshop, `oci:${path}:new`, target);
      return done;
    });
  });

  test('to an OCI layout that holds the base', async () => {
    await sweep(async (turns) => {
      const path = workshop.newPath('layout');
      writeOciLayout(path, [{ image: base, ref: 'base' }]);
      mkdirSync(path, { recursive: true });
      const before = snapshotOf(path);
      const done = await abortedAfter(turns, (signal) =>
        applyTo(workshop, patch, `oci:${path}:base`, `oci:${path}:new`, { signal }),
      );
      await expectImage(workshop, `oci:${path}:base`, base);
      if (done) await expectImage(workshop, `oci:${path}:new`, target);
      else expect(snapshotOf(path)).toEqual(before);
      return done;
    });
  });
});
