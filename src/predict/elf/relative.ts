/** Predicts 4-byte offsets that count from some address: both ends move as the map says, or as was learned. */
import type { Addresses } from './addresses.ts';

/** What offsets of one kind count from, and how many bytes one of them is. */
export interface Base {
  readonly address: number;
  readonly unitBytes: number;
  /** By how much new offsets are higher than the map says, in units, and by how much the last one was not as expected. */
  drift: number;
  missed: number;
}

export function startBase(address: number, unitBytes = 1): Base {
  return { address, unitBytes, drift: 0, missed: 0 };
}

/** The address that the offset `value` stands for; -1 for 0 and all ones, which stand for none. */
export function targetOf(base: Base, value: number): number {
  return value === 0 || value === -1 ? -1 : base.address + (value >>> 0) * base.unitBytes;
}

/** What the old offset `value` becomes, as 32 bits. */
export function predictOffset(addresses: Addresses, base: Base, value: number): number {
  const target = targetOf(base, value);
  if (target < 0 || !addresses.isOld(target)) return value;
  const distance = addresses.toNew(target) - addresses.toNewByMap(base.address);
  return (Math.floor(distance / base.unitBytes) + base.drift) | 0;
}

/** Learns from what became of it: where its target went, or, missed twice by as much, where its base did. */
export function learnOffset(
  addresses: Addresses,
  base: Base,
  value: number,
  predicted: number,
  actual: number,
): void {
  const target = targetOf(base, value);
  if (target < 0 || actual === 0 || actual === -1 || !addresses.isOld(target)) return;
  const missed = (actual - predicted) | 0;
  if (missed !== 0 && missed === base.missed) {
    base.drift = (base.drift + missed) | 0;
    base.missed = 0;
    return;
  }
  base.missed = missed;
  if (missed === 0) return;
  const distance = ((actual - base.drift) >>> 0) * base.unitBytes;
  addresses.learn(target, addresses.toNewByMap(base.address) + distance);
}
