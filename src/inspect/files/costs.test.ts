import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededBytes, seededText } from '../../../test/fixtures/random.ts';
import { shareMixer } from '../../codec/mix-decoder.ts';
import { MIX_BYTES } from '../../kernels/mix-contexts.ts';
import { costMeter, mixedMeter, storedMeter } from './costs.ts';

/** Bits of each of the parts, one after the other through one meter. */
function costsOf(...parts: readonly Uint8Array[]): number[] {
  const meter = costMeter();
  let end = 0;
  let before = 0;
  return parts.map((part) => {
    meter.add(part);
    end += part.length;
    const cost = meter.upTo(end) - before;
    before += cost;
    return cost;
  });
}

describe('what bytes weigh', () => {
  const noise = seededBytes(1, 20_000);
  const text = seededText(2, 20_000);

  it('is eight bits for noise, less for text, and next to nothing for what comes again', () => {
    const [ofNoise, ofText, again, zeros] = costsOf(noise, text, noise, new Uint8Array(20_000));
    expect(ofNoise! / (8 * noise.length)).toBeGreaterThan(0.97);
    expect(ofNoise! / (8 * noise.length)).toBeLessThan(1.06);
    expect(ofText!).toBeLessThan(ofNoise! * 0.8);
    expect(again!).toBeLessThan(ofNoise! / 50);
    expect(zeros!).toBeLessThan(ofNoise! / 100);
  });

  it('does not depend on the pieces that bytes come in, and grows with every byte', () => {
    const whole = costsOf(text)[0]!;
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 30 }),
        fc.array(fc.nat(text.length), { maxLength: 30 }),
        (sizes, asked) => {
          const meter = costMeter();
          let at = 0;
          for (const size of [...sizes, text.length]) {
            meter.add(text.subarray(at, at + size));
            at = Math.min(at + size, text.length);
          }
          let last = -1;
          let lastCount = -1;
          for (const count of asked.sort((a, b) => a - b)) {
            const cost = meter.upTo(count);
            if (count > lastCount) expect(cost).toBeGreaterThan(last);
            last = cost;
            lastCount = count;
          }
          expect(meter.upTo(text.length)).toBeCloseTo(whole, 6);
        },
      ),
      { numRuns: 30 },
    );
  });
});

describe('what bytes took of a stream that', () => {
  const text = seededText(3, 5000);

  it('is mixed, is told of each, and adds up to the coded stream', () => {
    const meter = mixedMeter(MIX_BYTES, shareMixer());
    meter.add(text);
    const coded = shareMixer()().encode(MIX_BYTES, text)!;
    expect(meter.upTo(0)).toBe(0);
    expect(meter.upTo(1)).toBeCloseTo(8, 0);
    expect(Math.abs(meter.upTo(text.length) / 8 - coded.length)).toBeLessThan(2);
  });

  it('is stored, is eight bits', () => {
    const meter = storedMeter();
    meter.add(text);
    expect(meter.upTo(100)).toBe(800);
  });
});
