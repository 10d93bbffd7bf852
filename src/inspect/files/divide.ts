/** Divides whole bytes by shares that are no whole numbers. Guards that nothing is lost and nothing counted twice. */

/**
 * Whole numbers that add up to `total`, each less than 1 from its part of `shares`, scaled to `total`; all 0 where the
 * shares are. Of those that are cut off, the largest remainders are made up for first, and of equal ones the first.
 */
export function divide(total: number, shares: readonly number[]): number[] {
  const sum = shares.reduce((a, b) => a + b, 0);
  if (sum === 0) return shares.map(() => 0);
  const exact = shares.map((share) => (share / sum) * total);
  const whole = exact.map(Math.floor);
  let left = total - whole.reduce((a, b) => a + b, 0);
  const order = [...exact.keys()].sort((a, b) => exact[b]! - whole[b]! - (exact[a]! - whole[a]!) || a - b);
  for (const at of order) {
    // Sums of fractions may come out a little too large or too small.
    if (left === 0) break;
    if (shares[at] === 0) continue;
    whole[at]! += Math.sign(left);
    left -= Math.sign(left);
  }
  return whole;
}
