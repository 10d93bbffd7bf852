/** Where the bytes of a patch go, file by file, as data: the `files` of `didiff inspect --json` (docs/cli.md). */

/**
 * How a file came about: `same` as in the base at its path; `moved`, the same at another; `delta`, made of stretches of
 * the base and of what is new; `predicted`, a delta of an executable; `opened`, a delta of what is compressed in it;
 * `new`, with nothing of the base; `carried`, in a layer that the patch has as its blob; `header`, without content:
 * folders, links, empty files.
 */
export type HowMade = 'same' | 'moved' | 'delta' | 'predicted' | 'opened' | 'new' | 'carried' | 'header';

export interface InspectedFile {
  /** From the root, with a slash in front. */
  readonly path: string;
  /** Position of the target's layer that it is in. */
  readonly layer: number;
  readonly sizeBytes: number;
  /** Its share of the patch, with that of its tar header. */
  readonly patchBytes: number;
  readonly headerBytes: number;
  readonly made: HowMade;
  /** Path in the base that most of it comes from; not with `same`. */
  readonly from?: string;
  /** Bytes that the base doesn't have, before coding; of opened archives as they are when opened. */
  readonly newBytes?: number;
}

/** All bytes of a patch. They add up to its size. */
export interface PatchShares {
  /** Contents of files. */
  readonly contents: number;
  /** Tar headers of files, folders and links. */
  readonly tarHeaders: number;
  /** What no entry of a tar is made of: what stands behind its last, and lists of opened parts. */
  readonly otherTar: number;
  /** What makes the compressed blobs exact. */
  readonly blobs: number;
  /** The patch's own header, the image's documents, and what frames them. */
  readonly overhead: number;
}

export interface InspectedFiles {
  /** The base, as it was named. */
  readonly base: string;
  /** Of layers that the patch makes; the costliest first. */
  readonly entries: readonly InspectedFile[];
  readonly shares: PatchShares;
}
