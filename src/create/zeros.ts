/** Whether a stretch of the base is zeros, as what stands between files mostly is. */
import type { RandomAccess } from '../bytes/access.ts';

/** Longer stretches are not looked at. */
const MOST_BYTES = 1 << 16;

export function isZero(base: RandomAccess, address: number, length: number): boolean {
  if (address < 0 || address + length > base.sizeBytes || length > MOST_BYTES) return false;
  const bytes = new Uint8Array(length);
  base.readAt(address, bytes);
  return bytes.every((byte) => byte === 0);
}
