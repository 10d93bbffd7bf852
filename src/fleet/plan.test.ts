import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Digest, sha256 } from '../bytes/digest.ts';
import { type Offers, type PatchOffer, planAlternatives, planWay, type Way } from './plan.ts';

const layer = (name: string): Digest => sha256(new TextEncoder().encode(name));
const patch = (name: string, needs: string[], gives: string[], bytes: number): PatchOffer => ({
  digest: layer(`patch ${name}`),
  needs: needs.map(layer),
  gives: gives.map(layer),
  bytes,
});
const layers = (sizes: Record<string, number>) =>
  new Map(Object.entries(sizes).map(([name, bytes]) => [layer(name), bytes]));
const names = (way: Way | undefined) =>
  way?.steps.map((step) => (step.kind === 'patch' ? step.patch.bytes : `layer ${step.bytes}`));

/** Whether the steps can be taken in their order, and lead to what is wanted. */
function arrives(way: Way, wanted: readonly Digest[], have: ReadonlySet<Digest>): boolean {
  const there = new Set(have);
  for (const step of way.steps) {
    if (step.kind === 'layer') there.add(step.diffId);
    else {
      if (!step.patch.needs.every((diffId) => there.has(diffId))) return false;
      for (const diffId of step.patch.gives) there.add(diffId);
    }
  }
  return wanted.every((diffId) => there.has(diffId));
}

/** The cheapest of all subsets of patches, each with the layers fetched that it then lacks; by trying every one. */
function bruteForce(
  wanted: readonly Digest[],
  have: ReadonlySet<Digest>,
  offers: Offers,
): number | undefined {
  let best: number | undefined;
  const fetchable = [...offers.layers];
  for (let fetched = 0; fetched < 1 << fetchable.length; fetched++) {
    const there = new Set(have);
    let bytes = 0;
    for (const [index, [diffId, size]] of fetchable.entries()) {
      if (((fetched >> index) & 1) === 0) continue;
      there.add(diffId);
      bytes += size;
    }
    const walk = (held: ReadonlySet<Digest>, spent: number, left: readonly PatchOffer[]): void => {
      if (best !== undefined && spent >= best) return;
      if (wanted.every((diffId) => held.has(diffId))) best = spent;
      for (const next of left) {
        if (!next.needs.every((diffId) => held.has(diffId))) continue;
        walk(
          new Set([...held, ...next.gives]),
          spent + next.bytes,
          left.filter((each) => each !== next),
        );
      }
    };
    walk(there, bytes, offers.patches);
  }
  return best;
}

describe('planning a pull', () => {
  const have = new Set(['os', 'app 1'].map(layer));

  it('takes one patch where that is cheapest', () => {
    const offers = {
      patches: [patch('1-2', ['os', 'app 1'], ['os', 'app 2'], 10)],
      layers: layers({ 'app 2': 100 }),
    };
    expect(names(planWay(['os', 'app 2'].map(layer), have, offers))).toEqual([10]);
  });

  it('fetches the layer when the patch is larger', () => {
    const offers = {
      patches: [patch('1-2', ['os', 'app 1'], ['os', 'app 2'], 101)],
      layers: layers({ 'app 2': 100 }),
    };
    expect(names(planWay(['os', 'app 2'].map(layer), have, offers))).toEqual(['layer 100']);
  });

  it('goes through an intermediate version, in the order in which the patches can be applied', () => {
    const offers = {
      patches: [
        patch('2-3', ['os', 'app 2'], ['os', 'app 3'], 7),
        patch('1-2', ['os', 'app 1'], ['os', 'app 2'], 10),
        patch('1-3', ['os', 'app 1'], ['os', 'app 3'], 18),
      ],
      layers: layers({ 'app 3': 100 }),
    };
    expect(names(planWay(['os', 'app 3'].map(layer), have, offers))).toEqual([10, 7]);
  });

  it('fetches a layer that a cheap patch needs', () => {
    const offers = {
      patches: [patch('2-3', ['os', 'lib', 'app 2'], ['os', 'lib', 'app 3'], 3)],
      layers: layers({ 'app 2': 20, 'app 3': 100, lib: 5 }),
    };
    const way = planWay(['os', 'lib', 'app 3'].map(layer), new Set(['os', 'app 2'].map(layer)), offers);
    expect(names(way)).toEqual(['layer 5', 3]);
  });

  it('joins patches from several bases, and layers for the rest', () => {
    const offers = {
      patches: [patch('a', ['os'], ['x'], 4), patch('b', ['app 1'], ['y'], 5)],
      layers: layers({ x: 40, y: 50, z: 6 }),
    };
    expect(planWay(['x', 'y', 'z'].map(layer), have, offers)?.bytes).toBe(15);
  });

  it('wants nothing when all is there, and knows when nothing leads there', () => {
    expect(planWay(['os'].map(layer), have, { patches: [], layers: new Map() })).toEqual({
      steps: [],
      bytes: 0,
    });
    expect(planWay(['x'].map(layer), have, { patches: [], layers: new Map() })).toBeUndefined();
  });

  it('lists each patch to the target and the whole layers, the cheapest first', () => {
    const offers = {
      patches: [
        patch('1-3', ['os', 'app 1'], ['os', 'app 3'], 18),
        patch('2-3', ['os', 'app 2'], ['os', 'app 3'], 7),
        patch('1-2', ['os', 'app 1'], ['os', 'app 2'], 10),
      ],
      layers: layers({ 'app 3': 100 }),
    };
    const ways = planAlternatives(['os', 'app 3'].map(layer), have, offers);
    expect(ways.map(({ bytes }) => bytes)).toEqual([17, 18, 100]);
  });

  it('ends on offers without end', () => {
    const patches = Array.from({ length: 400 }, (_, i) =>
      patch(`${i}`, [`n${i}`, `n${(i * 7) % 400}`], [`n${(i * 3) % 400}`, `n${(i + 1) % 400}`], 1 + (i % 5)),
    );
    const way = planWay(['n1', 'n2', 'n3'].map(layer), have, {
      patches,
      layers: layers({ n1: 1000, n2: 1000, n3: 1000 }),
    });
    expect(way!.bytes).toBeLessThanOrEqual(3000);
  });

  it('finds the optimum over a history of twenty versions, whatever patches there are', () => {
    const version = fc.record({ app: fc.integer({ min: 0, max: 3 }) });
    const history = fc.array(version, { minLength: 20, maxLength: 20 });
    const edge = fc.record({ from: fc.nat(19), to: fc.nat(19), bytes: fc.integer({ min: 1, max: 60 }) });
    fc.assert(
      fc.property(history, fc.array(edge, { maxLength: 9 }), fc.nat(18), (versions, edges, at) => {
        const layersOf = (index: number) => [
          'os',
          `lib ${index >> 2}`,
          `app ${index} ${versions[index]!.app}`,
        ];
        const patches = edges.map(({ from, to, bytes }, index) =>
          patch(`${index}`, layersOf(from), layersOf(to), bytes),
        );
        const [, lib, app] = layersOf(19);
        const offers = {
          patches,
          layers: layers({ os: 200, [lib!]: 30, [app!]: 50, [layersOf(10)[1]!]: 12 }),
        };
        const wanted = layersOf(19).map(layer);
        const held = new Set(layersOf(at).map(layer));
        const way = planWay(wanted, held, offers);
        expect(way?.bytes).toBe(bruteForce(wanted, held, offers));
        expect(arrives(way!, wanted, held)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
