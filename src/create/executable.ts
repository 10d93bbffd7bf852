/**
 * Decides how a changed executable is made: predicted from the file of the base that explains most of it, or plain,
 * whichever is measured to cost less. Its first bytes decide what is looked at, never a name.
 */
import { type RandomAccess, sliceAccess } from '../bytes/access.ts';
import type { Region } from '../kernels/match.ts';
import { MAX_EXECUTABLE_BYTES, MAX_EXECUTABLE_OPS } from '../patch/format.ts';
import { CDS_MAGIC } from '../predict/cds/header.ts';
import { type ElfLabeller, openElfLabeller } from '../predict/elf/labels.ts';
import { planElfRegions } from '../predict/elf/plan.ts';
import { costOf, costsMore } from './cost.ts';
import type { Part } from './part-table.ts';
import type { ProgramWriter } from './program.ts';
import { type ExecutablePlan, isInside, type Match, residualOf } from './residual.ts';

/** What of the base a file may be predicted from. */
export interface OldFiles {
  /** All addresses, those of opened parts behind. */
  readonly space: RandomAccess;
  /** By ascending address. */
  readonly files: readonly Part[];
  /** Contents of opened parts of the base that may be executables, by ascending address behind all files. */
  readonly opened: readonly Part[];
}

/** Whether a file may be one that is predicted: an ELF file, or an archive of Java classes. */
export function mayBePredicted(content: RandomAccess): boolean {
  if (content.sizeBytes < 64) return false;
  const magic = new Uint8Array(4);
  content.readAt(0, magic);
  const number = new DataView(magic.buffer).getUint32(0, true);
  return number === ELF_MAGIC || number === CDS_MAGIC;
}

const ELF_MAGIC = 0x464c457f;

/**
 * The executable of the base that `content` is a version of: the file that most of the matched bytes come from, or if
 * `earlier` is a part of that, `earlier`.
 */
export function findOldExecutable(
  olds: OldFiles,
  content: RandomAccess,
  matches: readonly Match[],
  earlier?: Part,
): Part | undefined {
  const source = mainSource(olds, matches);
  const isPart = source !== undefined && earlier !== undefined && isInside(asMatch(earlier), source);
  const old = isPart ? earlier : source;
  if (old === undefined || Math.max(old.sizeBytes, content.sizeBytes) > MAX_EXECUTABLE_BYTES)
    return undefined;
  return mayBePredicted(sliceAccess(olds.space, old.address, old.sizeBytes)) ? old : undefined;
}

function asMatch({ address, sizeBytes }: Part): Match {
  return { newStart: 0, address, length: sizeBytes };
}

/**
 * Labels references of `content` and of `old` (src/predict/elf/labels.ts), going by `matches`; undefined for other
 * files.
 */
export function labelExecutable(
  olds: OldFiles,
  content: RandomAccess,
  old: Part,
  matches: readonly Match[],
): ElfLabeller | undefined {
  const regions = regionsIn(old, matches);
  return openElfLabeller(sliceAccess(olds.space, old.address, old.sizeBytes), content, regions);
}

/**
 * How `content` is predicted from `old`, going by the first of `ways` to match it that costs less than `plain` does
 * without prediction; undefined when none does.
 */
export function planExecutable(
  olds: OldFiles,
  content: RandomAccess,
  old: Part,
  plain: readonly Match[],
  ways: readonly (readonly Match[])[],
): ExecutablePlan | undefined {
  const { space } = olds;
  for (const matches of ways) {
    const planned = planMatches(olds, old, content, matches);
    if (2 * planned.length + 1 > MAX_EXECUTABLE_OPS) continue;
    const residual = residualOf(space, content, planned, old);
    if (residual === undefined) continue;
    if (!costsMore(space, content, plain, costOf(content, planned, residual))) continue;
    return { oldAddress: old.address, oldBytes: old.sizeBytes, matches: planned, residual };
  }
  return undefined;
}

/** The file of the base that most of the matched bytes come from; of equals the first. */
function mainSource({ files, opened }: OldFiles, matches: readonly Match[]): Part | undefined {
  const bytes = new Map<Part, number>();
  let best: Part | undefined;
  for (const { address, length } of matches) {
    const file = fileAt(files, address) ?? fileAt(opened, address);
    if (file === undefined) continue;
    const count = (bytes.get(file) ?? 0) + length;
    bytes.set(file, count);
  }
  for (const [file, count] of bytes) if (best === undefined || count > bytes.get(best)!) best = file;
  return best;
}

function fileAt(files: readonly Part[], address: number): Part | undefined {
  let low = 0;
  let high = files.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (files[middle]!.address <= address) low = middle + 1;
    else high = middle;
  }
  const file = files[low - 1];
  return file !== undefined && address < file.address + file.sizeBytes ? file : undefined;
}

function regionsIn(old: Part, matches: readonly Match[]): readonly Region[] {
  return matches
    .filter((each) => isInside(each, old))
    .map(({ newStart, address, length }) => ({ newStart, oldStart: address - old.address, length }));
}

/** The old file's matches with its tables made whole; other matches give way to the tables. */
function planMatches(
  { space }: OldFiles,
  old: Part,
  content: RandomAccess,
  matches: readonly Match[],
): readonly Match[] {
  const elsewhere = matches.filter((each) => !isInside(each, old));
  const oldContent = sliceAccess(space, old.address, old.sizeBytes);
  const regions = planElfRegions(oldContent, content, regionsIn(old, matches));
  const planned = regions.map(({ newStart, oldStart, length }) => ({
    newStart,
    address: old.address + oldStart,
    length,
  }));
  let next = 0;
  const rest: Match[] = [];
  for (const match of elsewhere) {
    let at = match.newStart;
    const end = at + match.length;
    while (at < end) {
      while (next < planned.length && planned[next]!.newStart + planned[next]!.length <= at) next++;
      const wall = planned[next]?.newStart ?? end;
      if (wall > at) {
        const stop = Math.min(end, wall);
        rest.push({ newStart: at, address: match.address + at - match.newStart, length: stop - at });
        at = stop;
      } else at = planned[next]!.newStart + planned[next]!.length;
    }
  }
  return planned.concat(rest).sort((a, b) => a.newStart - b.newStart);
}

/** Writes matches and what lies between them, without prediction. */
export function writeMatches(writer: ProgramWriter, content: RandomAccess, matches: readonly Match[]): void {
  let at = 0;
  const take = (end: number, write: (bytes: Uint8Array, start: number) => void) => {
    while (at < end) {
      const bytes = new Uint8Array(Math.min(PIECE_BYTES, end - at));
      content.readAt(at, bytes);
      write(bytes, at);
      at += bytes.length;
    }
  };
  for (const { newStart, address, length } of matches) {
    take(newStart, (bytes) => writer.literal(bytes, 'binary'));
    take(newStart + length, (bytes, start) => writer.region(address + start - newStart, bytes));
  }
  take(content.sizeBytes, (bytes) => writer.literal(bytes, 'binary'));
}

const PIECE_BYTES = 1 << 16;
