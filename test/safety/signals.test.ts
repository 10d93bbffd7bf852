/** The real program, ended from outside at any moment. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { processPlace } from '../../src/bytes/file.ts';
import { buildProgram, type Finished } from '../fixtures/built-program.ts';
import { buildImage } from '../fixtures/images.ts';
import { writeOciLayout } from '../fixtures/oci-layout.ts';
import { expectBytes, expectImage, makePatch, openWorkshop, writeFixture } from '../fixtures/patching.ts';
import { snapshotOf } from '../fixtures/snapshot.ts';
import { largePair } from './pair.ts';

const workshop = openWorkshop();
const program = buildProgram();
const { base, target } = largePair(1_500_000);
const baseReference = writeFixture(workshop, 'docker-archive', base);
const targetReference = writeFixture(workshop, 'docker-archive', target);
const patch = workshop.newPath('app.didiff');
const TEMP = ['--temp-dir', workshop.tempDirectory];

beforeAll(async () => {
  await makePatch(workshop, baseReference, targetReference, patch);
});

/** Runs the program and sends it a signal at the `at`-th line of progress; false when it ended before. */
async function signalled(args: readonly string[], signal: NodeJS.Signals, at: number) {
  let lines = 0;
  let sent = false;
  const finished = await program.run([...TEMP, ...args], {
    onProgress(_, child) {
      if (++lines !== at) return;
      sent = child.kill(signal);
    },
  });
  return { ...finished, sent };
}

/** At which lines of progress signals are sent. */
const MOMENTS = [1, 4];
const ENDS: readonly (readonly [NodeJS.Signals, number])[] = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
];

function expectStopped(finished: Finished, signal: string, code: number): void {
  expect(finished).toMatchObject({ code, signal: null, stdout: '' });
  expect(finished.stderr).toBe(`didiff: stopped by ${signal} before it was done; nothing was changed\n`);
  expect(readdirSync(workshop.tempDirectory)).toEqual([]);
}

describe.each(ENDS)('%s', (signal, code) => {
  test('stops create, which leaves nothing', async () => {
    let stopped = 0;
    for (const at of MOMENTS) {
      const path = workshop.newPath('new.didiff');
      const finished = await signalled(['create', baseReference, targetReference, path], signal, at);
      if (finished.code === 0) continue;
      expectStopped(finished, signal, code);
      expect(readdirSync(dirname(path))).toEqual([]);
      stopped++;
    }
    expect(stopped).toBeGreaterThan(0);
  });

  test.each(['docker-archive', 'oci'])('stops apply to %s, which leaves what was there', async (form) => {
    let stopped = 0;
    for (const at of MOMENTS) {
      const path = workshop.newPath('result');
      if (form === 'oci')
        writeOciLayout(path, [{ image: buildImage({ seed: 5, layers: [{}] }), ref: 'other' }]);
      const before = snapshotOf(dirname(path));
      const args = ['apply', patch, '--base', baseReference, '--to', `${form}:${path}`, '-t', 'new:1'];
      const finished = await signalled(args, signal, at);
      if (finished.code === 0) continue;
      expectStopped(finished, signal, code);
      expect(snapshotOf(dirname(path))).toEqual(before);
      stopped++;
    }
    expect(stopped).toBeGreaterThan(0);
  });
});

describe('SIGKILL', () => {
  test('in create leaves no patch, and the next run makes it and cleans up', async () => {
    const path = workshop.newPath('new.didiff');
    // As a process leaves it that was killed while it wrote.
    for (const at of MOMENTS) {
      const finished = await signalled(['create', baseReference, targetReference, path], 'SIGKILL', at);
      if (finished.signal !== 'SIGKILL') break;
      expect(existsSync(path)).toBe(false);
    }
    writeFileSync(
      join(dirname(path), `.${basename(path)}.didiff-4194305-${processPlace()}-1-0badf00d.tmp`),
      'half a patch',
    );
    expect(readdirSync(workshop.tempDirectory)).toEqual([]);
    const finished = await program.run([...TEMP, '--quiet', 'create', baseReference, targetReference, path]);
    expect(finished.code).toBe(0);
    expect(readdirSync(dirname(path))).toEqual(['new.didiff']);
    expectBytes(readFileSync(path), readFileSync(patch), 'patch');
  });

  test.each(['docker-archive', 'oci'] as const)(
    'in apply to %s shows nothing, and the next run cleans up',
    async (form) => {
      const path = workshop.newPath('result');
      const destination = `${form}:${path}`;
      const other = buildImage({ seed: 5, layers: [{}] });
      if (form === 'oci') writeOciLayout(path, [{ image: other, ref: 'other' }]);
      const args = ['apply', patch, '--base', baseReference, '--to', destination, '-t', 'new:1'];
      let killed = 0;
      for (const at of MOMENTS) {
        const finished = await signalled(args, 'SIGKILL', at);
        if (finished.signal !== 'SIGKILL') break;
        killed++;
        if (form === 'docker-archive') expect(existsSync(path)).toBe(false);
        else await expectImage(workshop, `${destination}:other`, other);
      }
      expect(killed).toBeGreaterThan(0);
      expect(readdirSync(workshop.tempDirectory)).toEqual([]);
      expect(await program.run([...TEMP, '--quiet', ...args])).toMatchObject({ code: 0, stderr: '' });
      const left = Object.keys(snapshotOf(dirname(path))).filter((name) => name.includes('.tmp'));
      expect(left).toEqual([]);
      if (form === 'oci') await expectImage(workshop, `${destination}:other`, other);
      else await expectImage(workshop, destination, target);
    },
  );
});
