/**
 * What every store offers: images that can be read (`OpenedImage`) and a place to write one (`ImageSink`).
 * Images are content-addressed objects; no caller ever sees the file or stream that held them.
 */
import type { RandomAccess } from '../bytes/access.ts';
import type { Digest } from '../bytes/digest.ts';
import type { Descriptor, RawDocument } from './manifest.ts';
import type { Platform } from './platform.ts';

/** How far a long action is. `totalBytes` is absent where it can't be known. */
export interface Progress {
  readonly phase: string;
  readonly doneBytes: number;
  readonly totalBytes?: number;
}

/** What every store call may be given. */
export interface StoreOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Where scratch files go. */
  readonly tempDirectory: string;
}

/** Which image, where a name holds several. */
export interface OpenOptions extends StoreOptions {
  /** Absent: this machine's platform when the name is an index, and no check otherwise. */
  readonly platform?: Platform | undefined;
}

/** A layer tar readable at random, already proved to have its diffID. */
export interface LayerTar {
  readonly diffId: Digest;
  readonly content: RandomAccess;
}

/** The documents an image is made of, as stored. */
export interface ImageMetadata {
  readonly config: RawDocument;
  /** Absent where the store keeps none (a classic engine, podman, an old docker-archive). */
  readonly manifest?: RawDocument | undefined;
  /** When the name is that of an index: the index that led to `manifest`. */
  readonly index?: RawDocument | undefined;
}

/**
 * An image found in a store. Must be closed, which frees its scratch files and ends everything it gave.
 * An engine hands an image out as one stream only: opening it costs no stream, `readMetadata` and the two `open…s`
 * cost one each at first. What passed in an earlier stream is not fetched again, so who needs them all calls
 * `openBlobs`, then `openTars`, then `readMetadata`.
 */
export interface OpenedImage {
  /** As the user named it, for messages. */
  readonly name: string;
  readonly diffIds: readonly Digest[];
  readonly platform: Platform;
  /** Whether the store keeps the blobs and the manifest that names them. */
  readonly hasBlobs: boolean;
  readMetadata(options: StoreOptions): Promise<ImageMetadata>;
  /**
   * Gives the tars of the layers at `positions` (each once, in that order). Layers that aren't stored plain are unpacked to
   * scratch files. Throws CORRUPT_INPUT naming the layer when its bytes don't have the diffID.
   */
  openTars(positions: readonly number[], options: StoreOptions): Promise<readonly LayerTar[]>;
  /**
   * Gives the blobs of the layers at `positions` as stored, in that order, verified. Only where `hasBlobs`.
   * Throws CORRUPT_INPUT naming the layer when a blob doesn't have the digest its manifest says.
   */
  openBlobs(positions: readonly number[], options: StoreOptions): Promise<readonly RandomAccess[]>;
  /**
   * Scratch space that `openTars` will take for the layer at `position`, whose tar has `tarBytes`: none where it is stored
   * plain and read in place. Absent: as much as the tar. Opens nothing.
   */
  scratchBytes?(position: number, tarBytes: number): number;
  close(): Promise<void>;
}

/** An image that an index names. */
export interface IndexedImage {
  /** Its position among the entries of the index. */
  readonly entry: number;
  readonly digest: Digest;
  /** As the index says, or where it doesn't, as the config does. */
  readonly platform: Platform;
  /** Opens it, without the index. To be closed before the index is. */
  open(): Promise<OpenedImage>;
}

/** All that an index names. Must be closed, which ends everything it gave. */
export interface OpenedIndex {
  /** As the user named it, for messages. */
  readonly name: string;
  readonly index: RawDocument;
  /** In the order of the index. */
  readonly images: readonly IndexedImage[];
  /** Manifests that are no images: of attestations above all. */
  readonly others: readonly RawDocument[];
  /** A blob that one of `others` names, proved. Throws NOT_FOUND, CORRUPT_INPUT. */
  openBlob(blob: Descriptor, options: StoreOptions): Promise<RandomAccess>;
  close(): Promise<void>;
}

/** A layer of the image to be written. */
export interface TargetLayer {
  readonly diffId: Digest;
  readonly tarSizeBytes: number;
  /** As the manifest's descriptor says it. */
  readonly blob: { readonly digest: Digest; readonly sizeBytes: number; readonly mediaType: string };
}

/** The image to be written, known before its layers are. */
export interface TargetImage {
  readonly config: RawDocument;
  /** The target's own, or `synthesiseManifest`'s when `manifestIsOwn` is false. */
  readonly manifest: RawDocument;
  readonly manifestIsOwn: boolean;
  readonly index?: RawDocument | undefined;
  readonly platform: Platform;
  readonly layers: readonly TargetLayer[];
  /**
   * There when the index is to be written whole, by a sink that `takesIndexes`: what it names besides `config` and
   * `manifest`, which are those of one of its images, and `layers`, which are those of all. Names then lead to the index.
   */
  readonly rest?: IndexRest | undefined;
}

/** What is written of an index besides layers. */
export interface IndexRest {
  readonly manifests: readonly RawDocument[];
  /** Configs, and what manifests that are no images name; each once. */
  readonly blobs: readonly StoredBlob[];
}

/** What names lead to: the index when it is written whole, else the manifest. */
export function rootOf({ manifest, index, rest }: TargetImage): RawDocument {
  return rest === undefined || index === undefined ? manifest : index;
}

/** A blob whose digest was proved. */
export interface StoredBlob {
  readonly digest: Digest;
  readonly content: RandomAccess;
}

/** What came of it. */
export interface Published {
  /** The image's ID in an engine, else its manifest digest (OCI) or config digest (docker-archive); or the whole index's. */
  readonly id: Digest;
  /** Names it can be found by, as the store would print them. */
  readonly names: readonly string[];
}

/**
 * A place an image is written to: `begin`, then `putLayer` for each layer asked for, in order, then `commit`.
 * Nothing is visible before `commit`; `abort` (allowed at any time, also after a failure) leaves the store as it was.
 */
export interface ImageSink {
  /** For messages: `docker engine at unix:///var/run/docker.sock`, `oci:out`. */
  readonly name: string;
  /** Which form of a layer it stores: `tar` uncompressed, `blob` the exact bytes the manifest names. */
  readonly takes: 'tar' | 'blob';
  /** Whether a target may have a `rest`: then all that its index names is written, and names lead to the index. */
  readonly takesIndexes?: boolean | undefined;
  /** Directory whose disk will hold what is written; absent for engines. */
  readonly directory?: string | undefined;
  /** The ID under which the whole image is already there; undefined when it isn't. Changes nothing. */
  find(target: TargetImage): Promise<Digest | undefined>;
  /** The positions of the layers that `begin` would ask for, ascending. Changes nothing. */
  findLacking(target: TargetImage): Promise<readonly number[]>;
  /** Starts writing, and answers the positions of the layers that it lacks, ascending. */
  begin(target: TargetImage): Promise<readonly number[]>;
  /** Stores one layer. The pieces are valid only until the next is asked for. The content is verified by the caller. */
  putLayer(position: number, pieces: AsyncIterable<Uint8Array>): Promise<void>;
  /** Makes the image visible, then gives it its names; called when every layer was put, or alone when `find` found it. */
  commit(target: TargetImage, names: readonly string[]): Promise<Published>;
  abort(): Promise<void>;
}
