/**
 * Archives that are damaged, cut, or in the forms of writers nobody has heard of: whatever a file holds, its patch is made
 * and gives it back. Making proves itself, so that a patch that was made is exact.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { archiveFiles } from '../fixtures/archives.ts';
import { buildImage } from '../fixtures/images.ts';
import { makePatch, openWorkshop, writeFixture } from '../fixtures/patching.ts';
import { file, layer } from './scenario.ts';

const workshop = openWorkshop();
const OLD = archiveFiles(0);
const NEXT = archiveFiles(1);

/** Bytes changed, a stretch taken out, one put in twice, the end cut off. */
const harm = fc.record({
  changes: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255)), { maxLength: 3 }),
  cut: fc.option(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(3000))),
  again: fc.boolean(),
  end: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(100) }),
});
type Harm = typeof harm extends fc.Arbitrary<infer Value> ? Value : never;

function harmed(content: Uint8Array, { changes, cut, again, end }: Harm): Uint8Array {
  let bytes = Buffer.from(content);
  for (const [place, value] of changes) bytes[Math.floor(place * (bytes.length - 1))] = value;
  if (cut !== null) {
    const at = Math.floor(cut[0] * bytes.length);
    const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + cut[1])];
    bytes = Buffer.concat(
      again ? [before, bytes.subarray(at, at + cut[1]), bytes.subarray(at)] : [before, after],
    );
  }
  return bytes.subarray(0, Math.max(1, bytes.length - end));
}

test('patches of harmed archives are made all the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(OLD.length - 1), harm, harm, async (which, before, after) => {
      const image = (content: Uint8Array, label: string) =>
        buildImage({ seed: 3, label, layers: [layer(file('data/archive', content))] });
      const base = writeFixture(
        workshop,
        'docker-archive',
        image(harmed(OLD[which]!.content, before), 'base'),
      );
      const target = writeFixture(
        workshop,
        'docker-archive',
        image(harmed(NEXT[which]!.content, after), 'target'),
      );
      const path = workshop.newPath('patch');
      await expect(makePatch(workshop, base, target, path)).resolves.toBeDefined();
    }),
    { numRuns: 40 },
  );
}, 300_000);
