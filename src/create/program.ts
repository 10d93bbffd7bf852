/** What a layer is written to, and what is written of it: the streams of its ops, and what the header is to say of them. */
import type { RandomAccess } from '../bytes/access.ts';
import type { Choice } from '../nested/choice.ts';
import type { DigestForm } from '../predict/listed-digest.ts';
import type { ExecutableCounts } from './executable-counts.ts';
import type { ExecutablePlan } from './residual.ts';
import type { SourceLog } from './source-log.ts';
import type { Spool } from './spool.ts';

export type LiteralKind = 'binary' | 'text';

export interface ProgramWriter {
  /** The layer's next bytes stand at `address` of the base; `bytes` are the layer's own, mostly equal. */
  region(address: number, bytes: Uint8Array): void;
  /** The same for bytes known to be equal. */
  sameRegion(address: number, length: number): void;
  literal(bytes: Uint8Array, kind: LiteralKind): void;
  /** A whole file, predicted: `content` is its bytes. */
  executable(content: RandomAccess, plan: ExecutablePlan): void;
  /** The padding before a header, or at the end: free where the next op brings it along. */
  zeros(count: number): void;
  /** A header block, predicted from the one at `address`. */
  header(address: number, block: Uint8Array): void;
  /** Up to `endPart` the plain form of a part is written, `plainBytes`, that takes `closedBytes`; `back` is a directory's. */
  beginPart(plainBytes: number, closedBytes: number, choice: Choice, back?: number): void;
  endPart(): void;
  /** A reader makes the digest of the next bytes of the tar; gives its number, or undefined when it can't have one. */
  markDigest(algorithm: number, sizeBytes: number): number | undefined;
  /** The text of a digest whose bytes are all written, `length` bytes. */
  listDigest(number: number, form: DigestForm, length: number): void;
  /** Bytes of the layer, or of the part that is being written, so far. */
  readonly produced: number;
  /** New text so far: it may become large. */
  readonly text: Spool;
  /** Ends it. */
  finish(): Program;
  close(): void;
}

export interface Program {
  /** By number; the seeks' is empty until `writeSeeks`. */
  readonly streams: readonly Spool[];
  readonly seeks: Spool;
  /** Bytes of the layer that the ops make. */
  readonly producedBytes: number;
  readonly executables: ExecutableCounts;
  /** How many parts are opened. */
  readonly parts: number;
  /** The most bytes, closed and plain, of a part of bitcode; 0 when there is none. */
  readonly bitcodeBytes: number;
  /** Whether a part is of strings. */
  readonly strings: boolean;
  /** How many digests a reader makes. */
  readonly digests: number;
  /** Source address and length of each op that has one, in order. */
  readonly sources: SourceLog;
}
