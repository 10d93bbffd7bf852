/** Content digests as the OCI image spec writes them (`algorithm:hex`); only SHA-256 is used here. */
import { createHash } from 'node:crypto';
import { corrupt, DidiffError } from '../errors.ts';

/** `sha256:` and 64 lower-case hex digits. Made only by `parseDigest`, `sha256` and `startDigest`. */
export type Digest = `sha256:${string}`;

const PATTERN = /^sha256:[0-9a-f]{64}$/;

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && PATTERN.test(text);
}

/** Checks `text`, which is called `what` in the message. Throws CORRUPT_INPUT, or UNSUPPORTED for sha512. */
export function parseDigest(text: unknown, what: string): Digest {
  if (isDigest(text)) return text;
  if (typeof text === 'string' && /^sha512:[0-9a-f]{128}$/.test(text)) {
    throw new DidiffError('UNSUPPORTED', `${what} is a SHA-512 digest; didiff handles SHA-256 only`);
  }
  throw corrupt(`${what} is not a digest: expected sha256:<64 hex digits>, found ${JSON.stringify(text)}`);
}

export function sha256(bytes: Uint8Array): Digest {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

/** A digest in the making, counting what went through it. */
export interface RunningDigest {
  update(bytes: Uint8Array): void;
  /** Bytes seen so far. */
  readonly sizeBytes: number;
  /** Ends it; to be called once. */
  finish(): Digest;
}

export function startDigest(): RunningDigest {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  return {
    update(bytes) {
      hash.update(bytes);
      sizeBytes += bytes.length;
    },
    get sizeBytes() {
      return sizeBytes;
    },
    finish: () => `sha256:${hash.digest('hex')}`,
  };
}

/** The hex digits of a digest: its file name in an OCI layout. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** A digest short enough for a message, as docker shows it. */
export function shortDigest(digest: Digest): string {
  return digestHex(digest).slice(0, 12);
}
