/** What `estimate` says beside what `create` makes. */
import { statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Estimate, estimatePatch, openImage } from '../src/index.ts';
import { makePatch, openWorkshop, writeFixture } from './fixtures/patching.ts';
import { GOLDEN_PAIRS } from './golden/pairs.ts';

const workshop = openWorkshop();
const options = { tempDirectory: workshop.tempDirectory };
const realImages = process.env['DIDIFF_IMAGES'];

async function estimateOf(base: string, target: string): Promise<Estimate> {
  const [from, to] = [await openImage(base, options), await openImage(target, options)];
  try {
    return await estimatePatch(from, to, options);
  } finally {
    await from.close();
    await to.close();
  }
}

async function errorOf(base: string, target: string): Promise<readonly [error: number, bytes: number]> {
  const { estimatedBytes } = await estimateOf(base, target);
  const patch = workshop.newPath('patch');
  await makePatch(workshop, base, target, patch);
  const bytes = statSync(patch).size;
  return [Math.abs(estimatedBytes - bytes), bytes];
}

describe('an estimate', () => {
  // The estimate does not know that listed digests cost nothing: a pair made of nothing else is told larger than it is.
  const known = GOLDEN_PAIRS.filter(({ name }) => name !== 'lists of digests');
  it.each(known)('of "$name" is near what create makes', async ({ base, target }) => {
    const [error, bytes] = await errorOf(
      writeFixture(workshop, 'oci', base),
      writeFixture(workshop, 'oci', target),
    );
    // The header is guessed and kinds are coded apart: some hundred bytes, which matter in the smallest patches only.
    expect(error).toBeLessThanOrEqual(Math.max(500, bytes * 0.15));
  });

  it('of lists of digests is never less than what create makes', async () => {
    const { base, target } = GOLDEN_PAIRS.find(({ name }) => name === 'lists of digests')!;
    const [from, to] = [writeFixture(workshop, 'oci', base), writeFixture(workshop, 'oci', target)];
    const { estimatedBytes } = await estimateOf(from, to);
    const patch = workshop.newPath('patch');
    await makePatch(workshop, from, to, patch);
    expect(estimatedBytes).toBeGreaterThan(statSync(patch).size);
  });

  it('has the parts that make the whole, and says what a pull would move', async () => {
    const { base, target } = GOLDEN_PAIRS.find(({ name }) => name === 'small layers')!;
    const estimate = await estimateOf(
      writeFixture(workshop, 'oci', base),
      writeFixture(workshop, 'oci', target),
    );
    const ofLayers = estimate.layers.reduce((sum, layer) => sum + layer.estimatedBytes, 0);
    const ofFiles = estimate.files.reduce((sum, file) => sum + file.estimatedBytes, 0);
    expect(ofLayers).toBeLessThan(estimate.estimatedBytes);
    expect(ofFiles).toBeLessThanOrEqual(ofLayers);
    const lacking = target.layers.filter(({ diffId }) =>
      base.layers.every((layer) => layer.diffId !== diffId),
    );
    expect(estimate.pullBytes).toBe(lacking.reduce((sum, { blob }) => sum + blob.bytes.length, 0));
    expect(estimate.matchedBytes).toBeLessThanOrEqual(estimate.changedBytes);
  });

  it.runIf(realImages !== undefined)(
    'of nginx is within 15 % (with DIDIFF_IMAGES)',
    { timeout: 600_000 },
    async () => {
      const [error, bytes] = await errorOf(`oci:${realImages}:nginx-old`, `oci:${realImages}:nginx-new`);
      expect(error / bytes).toBeLessThanOrEqual(0.15);
    },
  );
});
