/** What the writers of opened files share, and the stretches of bytes they speak of. */
import type { RandomAccess } from '../../bytes/access.ts';
import type { EngineFinder } from '../../nested/find-engine.ts';
import type { Part } from '../part-table.ts';
import type { ProgramWriter } from '../program.ts';
import type { ViewBook } from '../view-book.ts';
import type { MatchContext } from '../write-file.ts';
import type { PartBudget } from './budget.ts';
import type { FindSimilarArchive } from './similar-archive.ts';

export interface OpenContext {
  readonly match: MatchContext;
  readonly views: ViewBook;
  readonly engines: EngineFinder;
  readonly tempDirectory: string;
  readonly similar: FindSimilarArchive;
  readonly budget: PartBudget;
  /** Told of each file, or part, that is predicted as an executable. */
  readonly onPredicted: () => void;
  /** How many parts lie around what is written. */
  readonly partDepth: number;
  /** How many parts, or archives stored in archives, lie around what is written. */
  readonly depth: number;
}

/** Writes a file, or a part's content, of which `earlier` is likely an earlier version; opens it when that can be done. */
export type WriteContent = (
  writer: ProgramWriter,
  content: RandomAccess,
  earlier: Part | undefined,
  context: OpenContext,
) => Promise<void>;
