/** Has a thread index the base, while this one looks through the target. */
import type { RandomAccess } from '../../bytes/access.ts';
import type { SharedAnchors } from '../choose-parts.ts';
import { openAnchors } from '../index-anchors.ts';
import type { PartTable } from '../part-table.ts';
import type { Pool, Ticket } from './pool.ts';
import type { IndexTask } from './tasks.ts';

/** `here` does the same on this thread. Undefined where threads can't read the base. */
export function indexInThread(
  pool: Pool,
  base: RandomAccess,
  files: PartTable,
  maxAnchors: number,
  here: () => Promise<SharedAnchors>,
): Ticket<SharedAnchors> | undefined {
  if (base.ranges === undefined) return undefined;
  const anchors = openAnchors(files, maxAnchors);
  const task: IndexTask = { kind: 'index', space: base.ranges(), files, table: anchors.index.table };
  return pool.begin(task, here, () => anchors);
}
