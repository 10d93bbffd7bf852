/**
 * Writes a layer's changed files with little effort, and executables not at all, but for what their rough match tells of
 * them; those of small layers as `create` does. What each file added is noted.
 */
import type { RandomAccess } from '../bytes/access.ts';
import { readRange } from '../bytes/access.ts';
import type { Catalog } from '../create/catalog.ts';
import { NO_ANCHORS, type SharedAnchors } from '../create/choose-parts.ts';
import type { ChangedFile } from '../create/delta-layer.ts';
import { type Effort, effortOf } from '../create/effort.ts';
import { mayBePredicted } from '../create/executable.ts';
import type { PartBudget } from '../create/opened/budget.ts';
import type { OpenContext } from '../create/opened/context.ts';
import { writeOpened } from '../create/opened/write-opened.ts';
import type { ProgramWriter } from '../create/program.ts';
import type { MatchContext } from '../create/write-file.ts';
import type { Matcher } from '../kernels/matcher.ts';
import { textOfName } from '../tar/name.ts';
import { CLASS_ARCHIVE, type RoughMatch } from './coding.ts';
import { machineOf, matchRoughly } from './executables.ts';
import { LARGE_EXECUTABLE_BYTES, type LargeMatch, matchLargely } from './large-executables.ts';
import type { EstimatedFile, FileKind } from './model.ts';
import { type Tally, tallying } from './tally.ts';

/**
 * As little as finds what there is to be found: matches that matter are long enough to be found by one of eight of their
 * windows. Archives are opened, as what they hold decides what they cost.
 */
export const ROUGH_EFFORT: Effort = {
  ...effortOf(1),
  opensParts: true,
  findsRepeats: false,
  sparserBits: 2,
  listsDigests: true,
};

/** A changed file, and what it added to its layer's program. */
export interface RoughFile {
  readonly file: ChangedFile;
  readonly kind: FileKind;
  readonly layer: number;
  readonly tally: Tally;
  /** Of an executable, which adds nothing to the program. */
  readonly match?: RoughMatch;
  /** The same of a large one. */
  readonly large?: LargeMatch;
}

export interface RoughContext {
  readonly catalog: Catalog;
  readonly anchors: () => Promise<SharedAnchors>;
  readonly matcher: Matcher;
  readonly effort: Effort;
  readonly opening: Pick<OpenContext, 'views' | 'engines' | 'similar' | 'tempDirectory'>;
  readonly tick: (bytes: number) => Promise<void>;
}

export async function writeRoughly(
  writer: ProgramWriter,
  file: ChangedFile,
  layer: number,
  budget: PartBudget,
  { catalog, anchors, matcher, effort, opening, tick }: RoughContext,
): Promise<RoughFile> {
  const { content, earlier, digests } = file;
  const tally: Tally = { ops: 0, text: 0, binary: 0 };
  const kind = kindOf(content, earlier !== undefined);
  const isRough = kind === 'executable' && effort === ROUGH_EFFORT;
  const match: MatchContext = {
    catalog,
    anchors: !isRough && isWorthIndexing(file, catalog) ? await anchors() : NO_ANCHORS,
    matcher,
    effort,
    tick,
    digests,
  };
  if (isRough) {
    const { sizeBytes } = content;
    const found =
      sizeBytes < LARGE_EXECUTABLE_BYTES || machineOf(content) === CLASS_ARCHIVE
        ? { match: await matchRoughly(content, earlier!, match) }
        : { large: await matchLargely(catalog.space, content, earlier!, matcher, tick) };
    await tick(sizeBytes);
    // What is written in its stead keeps the headers behind it in their places.
    writer.sameRegion(earlier!.address, sizeBytes);
    return { file, kind, layer, tally, ...found };
  }
  await writeOpened(tallying(writer, tally), content, earlier, {
    ...opening,
    match,
    budget,
    onPredicted() {},
    partDepth: 0,
    depth: 0,
  });
  return { file, kind, layer, tally };
}

/** What is smaller is matched against its earlier version alone, unless the base is quickly indexed. */
const WORTH_INDEXING_BYTES = 16 << 10;
const QUICKLY_INDEXED_BYTES = 2 << 20;

/** What is larger has parts that moved far: around the same place of its earlier version they are not. */
const LARGE_BYTES = 8 << 20;

/** Whether a file has to be looked for in all of the base. */
function isWorthIndexing({ content, earlier }: ChangedFile, { space }: Catalog): boolean {
  if (space.sizeBytes <= QUICKLY_INDEXED_BYTES) return true;
  return content.sizeBytes >= (earlier === undefined ? WORTH_INDEXING_BYTES : LARGE_BYTES);
}

const KIND_BYTES = 4096;

function kindOf(content: RandomAccess, isChanged: boolean): FileKind {
  if (isChanged && mayBePredicted(content)) return 'executable';
  const start = readRange(content, 0, Math.min(KIND_BYTES, content.sizeBytes), KIND_BYTES);
  if (start.includes(0)) return isChanged ? 'binary' : 'new binary';
  return isChanged ? 'text' : 'new text';
}

export function describeFile({ file, kind, layer }: RoughFile, bytes: number): EstimatedFile {
  return {
    path: pathOf(file.path),
    estimatedBytes: Math.round(bytes),
    sizeBytes: file.content.sizeBytes,
    kind,
    layer,
    ...(file.earlier === undefined ? {} : { earlier: pathOf(file.earlier.path) }),
  };
}

/** As `diff` names it: from the root, as text. */
function pathOf(name: string): string {
  return `/${textOfName(name).replace(/^(?:\.?\/)+/, '')}`;
}
