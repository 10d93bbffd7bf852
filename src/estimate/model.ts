/** What `didiff estimate` finds, as data (docs/cli.md). Bytes are estimates where the name says so. */
import type { Digest } from '../bytes/digest.ts';

export const KINDS = ['executable', 'binary', 'text', 'new binary', 'new text'] as const;
export type FileKind = (typeof KINDS)[number];

export interface EstimatedFile {
  readonly path: string;
  readonly estimatedBytes: number;
  readonly sizeBytes: number;
  readonly kind: FileKind;
  readonly layer: number;
  /** The path in the base of what it most likely was. */
  readonly earlier?: string;
}

export interface EstimatedLayer {
  readonly diffId: Digest;
  readonly tarBytes: number;
  /** As `how` of `create`: the base's own, made from the base, or carried. */
  readonly how: 'base' | 'delta' | 'blob';
  readonly estimatedBytes: number;
  /** What a pull moves for it; absent when the target has no manifest. */
  readonly blobBytes?: number;
}

export interface Estimate {
  readonly base: string;
  readonly target: string;
  readonly estimatedBytes: number;
  /** What a pull of the layers would move that the base lacks; absent when the target has no manifest. */
  readonly pullBytes?: number;
  readonly layers: readonly EstimatedLayer[];
  /** Files with content that the base doesn't have, the costliest first. */
  readonly files: readonly EstimatedFile[];
  /** How much of them there is, and how much was matched with all effort to know what they cost. */
  readonly changedBytes: number;
  readonly matchedBytes: number;
}
