/** What `didiff diff` finds, as data: the form that `--json` prints (docs/cli.md). Nothing here is computed. */
import type { Digest } from '../../bytes/digest.ts';
import type { TarEntryType } from '../../tar/header.ts';

/** In what two files of one path differ; the first four are of content. `links`: which paths are hard links to it. */
export type FileAspect =
  | 'type'
  | 'content'
  | 'target'
  | 'device'
  | 'mode'
  | 'owner'
  | 'mtime'
  | 'xattrs'
  | 'links';

/** A file, directory, link or device as an engine would have it on disk. */
export interface FileFacts {
  readonly type: TarEntryType;
  readonly sizeBytes: number;
  /** Permission bits in octal: `0755`. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Seconds since 1970; absent for a directory that no layer has an entry for. */
  readonly mtime?: number;
  /** The position of the layer it comes from; absent like `mtime`. */
  readonly layer?: number;
  /** Of symbolic links, and of hard links that lead nowhere. */
  readonly linkTarget?: string;
  /** `major:minor`, of devices. */
  readonly device?: string;
  /** Values in base64. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

export type FileChangeKind = 'added' | 'removed' | 'changed' | 'metadata' | 'moved';

/** A path that isn't the same in both images. */
export interface FileChange {
  /** From the root, with a slash in front. That of the target, where there is one. */
  readonly path: string;
  readonly change: FileChangeKind;
  /** With `moved`: the path in the base. */
  readonly from?: string;
  /** With `changed`, `metadata` and `moved`, where that may be empty. */
  readonly aspects: readonly FileAspect[];
  readonly base?: FileFacts;
  readonly target?: FileFacts;
}

export interface FilesDiff {
  /** How many paths there are of each kind, directories and links among them. */
  readonly counts: Readonly<Record<FileChangeKind, number>>;
  /** How many are the same; absent when the images have the same layers, whose files aren't looked at then. */
  readonly same?: number;
  /** In the order of their paths. */
  readonly changes: readonly FileChange[];
}

/** A layer of either image. Layers are the same where their tars are; the blobs may differ all the same. */
export interface LayerDiff {
  readonly diffId: Digest;
  readonly tarBytes?: number;
  /** Where it stands; absent where it doesn't. */
  readonly basePosition?: number;
  readonly targetPosition?: number;
  /** As their manifests have it; absent for images without. */
  readonly baseBlob?: BlobFacts;
  readonly targetBlob?: BlobFacts;
}

export interface BlobFacts {
  readonly digest: Digest;
  readonly sizeBytes: number;
  readonly mediaType: string;
}

/** A setting of the configs that differs. Values are as the JSON has them; absent where the image has none. */
export interface ConfigChange {
  /** `env PATH`, `label version`, `entrypoint`, `created`, … */
  readonly name: string;
  readonly base?: unknown;
  readonly target?: unknown;
}

export interface HistoryEntry {
  readonly createdBy: string;
  readonly created?: string;
  readonly comment?: string;
  readonly emptyLayer: boolean;
}

/** Histories begin and end alike mostly; what lies between was replaced. */
export interface HistoryDiff {
  readonly same: number;
  readonly removed: readonly HistoryEntry[];
  readonly added: readonly HistoryEntry[];
}

export interface ImageFacts {
  readonly name: string;
  /** `os/architecture[/variant]`. */
  readonly platform: string;
  readonly config: Digest;
  readonly manifest?: Digest;
}

export interface ImageDiff {
  readonly base: ImageFacts;
  readonly target: ImageFacts;
  /** Whether anything differs of what was compared. */
  readonly differ: boolean;
  /** Whether times, and the order of what has none, were left out. */
  readonly semantic: boolean;
  /** Absent where files were chosen by path. */
  readonly layers?: readonly LayerDiff[];
  readonly config?: readonly ConfigChange[];
  readonly history?: HistoryDiff;
  readonly files: FilesDiff;
}
