/**
 * Chooses blocks that stand for all: the heavier one is, the likelier, and what outweighs its share is there in any case.
 * (W. G. Madow, "On the theory of systematic sampling, II", 1949.)
 */

export interface ChosenBlocks {
  /** Ascending. */
  readonly blocks: readonly number[];
  /** Of those, the ones that stand for themselves alone. */
  readonly certain: ReadonlySet<number>;
}

/** `count` of the blocks at most; those without weight are never chosen. The same weights give the same blocks. */
export function chooseBlocks(weights: ArrayLike<number>, count: number): ChosenBlocks {
  const weighty = Array.from({ length: weights.length }, (_, at) => at).filter((at) => weights[at]! > 0);
  const heaviest = [...weighty].sort((a, b) => weights[b]! - weights[a]! || a - b);
  const certain = new Set<number>();
  let left = heaviest.reduce((sum, at) => sum + weights[at]!, 0);
  for (const at of heaviest) {
    if (certain.size === count || weights[at]! * (count - certain.size) < left) break;
    certain.add(at);
    left -= weights[at]!;
  }
  const blocks: number[] = [];
  const step = left / (count - certain.size);
  let next = step / 2;
  let passed = 0;
  for (const at of weighty) {
    if (certain.has(at)) {
      blocks.push(at);
      continue;
    }
    passed += weights[at]!;
    if (passed <= next) continue;
    blocks.push(at);
    next += step;
  }
  return { blocks, certain };
}
