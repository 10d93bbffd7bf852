/**
 * What holds of every row of the scenario table: whatever changes between two images, a patch made between them and applied gives the target byte
 * for byte, in every store of files; the same images give the same patch; and what the base has is not in the patch.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { FixtureImage } from '../fixtures/images.ts';
import {
  applyTo,
  expectBytes,
  expectImage,
  FILE_FORMS,
  makePatch,
  openWorkshop,
  type Workshop,
  writeFixture,
} from '../fixtures/patching.ts';
import type { Scenario } from './scenario.ts';

/** Declares the tests of all rows, each forwards and backwards. */
export function describeScenarios(scenarios: readonly Scenario[]): void {
  const workshop = openWorkshop();
  describe.each([...scenarios])('$name', ({ base, target, most }) => {
    test('forwards', () => expectExact(workshop, base, target, most[0]));
    test('backwards', () => expectExact(workshop, target, base, most[1]));
  });
}

async function expectExact(
  workshop: Workshop,
  base: FixtureImage,
  target: FixtureImage,
  most: number,
): Promise<void> {
  const baseReference = writeFixture(workshop, 'oci', base);
  const targetReference = writeFixture(workshop, 'oci', target);
  const patch = workshop.newPath('patch');
  const report = await makePatch(workshop, baseReference, targetReference, patch);
  const bytes = readFileSync(patch);
  expect(report.patchBytes).toBe(bytes.length);
  expect(report.exactManifest).toBe(true);
  expect(bytes.length).toBeLessThanOrEqual(most);
  const again = workshop.newPath('patch');
  await makePatch(workshop, baseReference, targetReference, again);
  expectBytes(readFileSync(again), bytes, 'the patch made again');
  for (const form of FILE_FORMS) {
    const destination = `${form}:${workshop.newPath('result')}:result:1`;
    const result = await applyTo(workshop, patch, baseReference, destination);
    expect(result.id).toBe(form === 'docker-archive' ? target.config.digest : target.manifest.digest);
    expect(result.wasThere).toBe(false);
    await expectImage(workshop, destination, target);
  }
  expect(readdirSync(workshop.tempDirectory)).toEqual([]);
}
