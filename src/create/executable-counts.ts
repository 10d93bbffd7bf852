/** Counts predicted executables, and the memory that making them takes, for the header. */
import type { ExecutablePlan } from './residual.ts';

/** What predicted executables are in a program, and what they take to make. */
export interface ExecutableCounts {
  readonly files: number;
  /** The most that a reader needs for one of them, about. */
  readonly memoryBytes: number;
}

export const NO_EXECUTABLES: ExecutableCounts = { files: 0, memoryBytes: 0 };

/** Caches, learned addresses and the pairs of tables; then what grows with the old file, and with the ops. */
const EXECUTABLE_BYTES = 16 << 20;
const EXECUTABLE_BYTES_PER_OP = 200;

export function withExecutable(counts: ExecutableCounts, plan: ExecutablePlan): ExecutableCounts {
  const ops = plan.matches.length * 2 * EXECUTABLE_BYTES_PER_OP;
  return {
    files: counts.files + 1,
    memoryBytes: Math.max(counts.memoryBytes, EXECUTABLE_BYTES + plan.oldBytes / 16 + ops),
  };
}
