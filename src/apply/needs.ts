/** What applying a patch takes from the machine, compared with what is there before anything is written. */
import { freeDiskBytes } from '../bytes/file.ts';
import { DidiffError } from '../errors.ts';
import type { OpenedImage } from '../image/store.ts';
import type { BaseLayer, PatchHeader } from '../patch/header.ts';
import { layerScratchBytes } from '../patch/scratch.ts';

/**
 * What the runtime takes: measured on Node 20 as the peak of whole runs, less what their patches said; of it 43 MB are
 * Node's own, 15 MB the command's code.
 */
const RUNTIME_BYTES = 80 << 20;

/** What a thread takes before it does anything. */
const THREAD_BYTES = 9 << 20;

export interface Needs {
  readonly memoryBytes: number;
  /** Scratch disk for base layers that aren't read in place, and for what a layer takes while it is made, at most. */
  readonly scratchBytes: number;
  /** What the destination's own files take; 0 for engines. */
  readonly outputBytes: number;
}

export interface NeedsOf {
  readonly header: PatchHeader;
  /** Places of base layers that will be opened. */
  readonly baseLayers: ReadonlySet<number>;
  /** Positions of target layers that will be written. */
  readonly layers: readonly number[];
  readonly takes: 'tar' | 'blob';
  /** What they are opened in; absent where nothing is. */
  readonly base: OpenedImage | undefined;
  /** Whether another thread decodes. */
  readonly hasThread?: boolean;
}

export function needsOf({ header, baseLayers, layers, takes, base, hasThread }: NeedsOf): Needs {
  const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
  const written = layers.map((position) => header.target.layers[position]!);
  return {
    memoryBytes: RUNTIME_BYTES + header.memoryBytes + (hasThread ? THREAD_BYTES : 0),
    scratchBytes:
      sum([...baseLayers].map((place) => scratchFor(header.base.layers[place]!, base))) +
      Math.max(0, ...written.map(layerScratchBytes)),
    outputBytes: sum(
      written.map(({ tarBytes, blob }) => (takes === 'tar' ? tarBytes : (blob?.sizeBytes ?? tarBytes))),
    ),
  };
}

/** Nothing for a layer that its store has plain, and that is read in place. */
function scratchFor({ diffId, sizeBytes }: BaseLayer, base: OpenedImage | undefined): number {
  const position = base?.diffIds.indexOf(diffId) ?? -1;
  return position < 0 ? sizeBytes : (base?.scratchBytes?.(position, sizeBytes) ?? sizeBytes);
}

/** Throws LIMIT or STORAGE, saying what is needed, what is there, and where. */
export function assertNeeds(needs: Needs, tempDirectory: string, outputDirectory: string | undefined): void {
  const memory = process.availableMemory?.();
  if (memory !== undefined && memory > 0 && memory + process.memoryUsage.rss() < needs.memoryBytes) {
    throw new DidiffError(
      'LIMIT',
      `applying needs ${mega(needs.memoryBytes)} of memory; ${mega(memory)} are available`,
      {
        hint: 'Stop something else, or raise the memory limit of this container.',
      },
    );
  }
  assertDisk(tempDirectory, needs.scratchBytes, 'for scratch files', '--temp-dir names another place.');
  assertOutput(needs.outputBytes, outputDirectory);
}

/** Throws STORAGE when what is written doesn't fit where it goes; engines know that themselves. */
export function assertOutput(bytes: number, outputDirectory: string | undefined): void {
  if (outputDirectory !== undefined) assertDisk(outputDirectory, bytes, 'for the image', 'Free some space.');
}

function assertDisk(directory: string, needed: number, what: string, hint: string): void {
  const free = freeDiskBytes(directory);
  if (free === undefined || free >= needed) return;
  throw new DidiffError(
    'STORAGE',
    `${directory} has ${mega(free)} free; up to ${mega(needed)} are needed ${what}`,
    { hint },
  );
}

function mega(bytes: number): string {
  return `${Math.ceil(bytes / 1e6)} MB`;
}
