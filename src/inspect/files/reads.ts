/** What a file is made from, added up op by op, and what that makes it: the same, moved, a delta, new. */
import type { BaseFile, BaseFiles } from './base-files.ts';
import type { HowMade } from './model.ts';

/** Sums of one file, or of what is inside of one op. */
export interface Reads {
  /** Bytes taken from the base, by the path of the file there; '' between files. */
  readonly fromPaths: Map<string, number>;
  /** Bytes that the base doesn't have, of opened archives as they are when opened. */
  newBytes: number;
  /** Bytes of regions that differ from the base; not counted inside of parts and executables. */
  differences: number;
  isOpened: boolean;
  isCarried: boolean;
  /** The older version that an executable is predicted from. */
  predicted: { readonly from: BaseFile | undefined } | undefined;
  /** The file that the first of it comes from, and from where. */
  firstFile: BaseFile | undefined;
  firstAddress: number | undefined;
  /** Where the base goes on if all so far is one stretch of it; undefined once it isn't. */
  next: number | undefined;
}

export function startReads(): Reads {
  return {
    fromPaths: new Map(),
    newBytes: 0,
    differences: 0,
    isOpened: false,
    isCarried: false,
    predicted: undefined,
    firstFile: undefined,
    firstAddress: undefined,
    next: undefined,
  };
}

/** `length` bytes are read at `address`, which may be in several files. */
export function addRegion(reads: Reads, base: BaseFiles, address: number, length: number): void {
  if (reads.firstAddress === undefined) {
    reads.firstFile = base.find(address);
    reads.firstAddress = address;
    reads.next = address;
  }
  reads.next = reads.next === address ? address + length : undefined;
  for (let done = 0; done < length; ) {
    const file = base.find(address + done);
    const end = file === undefined ? length : Math.min(length, file.end - address);
    addFrom(reads, file?.path ?? '', end - done);
    done = end;
  }
}

/** All of `inner` belongs to what `reads` is of. */
export function addReads(reads: Reads, inner: Reads): void {
  for (const [path, bytes] of inner.fromPaths) addFrom(reads, path, bytes);
  reads.newBytes += inner.newBytes;
  reads.isOpened ||= inner.isOpened;
  reads.predicted ??= inner.predicted;
  reads.firstAddress ??= inner.firstAddress;
  reads.next = undefined;
}

function addFrom({ fromPaths }: Reads, path: string, bytes: number): void {
  fromPaths.set(path, (fromPaths.get(path) ?? 0) + bytes);
}

/** How a file of this path and size is made of what was read for it, and from which file of the base most of it is. */
export function judge(
  reads: Reads,
  path: string,
  sizeBytes: number,
): { readonly made: HowMade; readonly from?: string } {
  if (sizeBytes === 0) return { made: 'header' };
  if (reads.isCarried) return { made: 'carried' };
  const from = reads.predicted?.from?.path ?? largest(reads.fromPaths);
  const named = from === undefined ? {} : { from };
  if (reads.isOpened) return { made: 'opened', ...named };
  if (reads.predicted !== undefined) return { made: 'predicted', ...named };
  if (isWholeFile(reads, sizeBytes)) return from === path ? { made: 'same' } : { made: 'moved', ...named };
  return { made: reads.fromPaths.size === 0 ? 'new' : 'delta', ...named };
}

/** Whether it is a file of the base from its first byte to its last, and nothing else. */
function isWholeFile({ firstFile, firstAddress, next, differences }: Reads, sizeBytes: number): boolean {
  return (
    firstFile !== undefined &&
    firstFile.sizeBytes === sizeBytes &&
    firstAddress === firstFile.address &&
    next === firstFile.end &&
    differences === 0
  );
}

function largest(fromPaths: ReadonlyMap<string, number>): string | undefined {
  let found: string | undefined;
  let most = 0;
  for (const [path, bytes] of fromPaths) {
    if (path === '' || bytes <= most) continue;
    found = path;
    most = bytes;
  }
  return found;
}
