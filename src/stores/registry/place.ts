/** What the calls on a repository share. */
import type { Digest, RunningDigest } from '../../bytes/digest.ts';
import type { RegistryConnection } from './connection.ts';

/** What the calls in this folder work on. */
export interface RepositoryPlace {
  /** `localhost:5000/app`, for messages. */
  readonly name: string;
  readonly repository: string;
  readonly connection: RegistryConnection;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/** A blob as descriptors name it. */
export interface BlobName {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

export interface ReadBlobOptions extends CallOptions {
  /** Bytes that are here already; reading starts behind them. Default 0. */
  readonly startBytes?: number | undefined;
  /** What has seen those bytes; it proves the whole at the end. To be given with `startBytes`. */
  readonly digest?: RunningDigest | undefined;
  /** How much to ask for in the next request, in bytes; absent: all that is left. Servers may send more. */
  readonly nextBytes?: (() => number) | undefined;
}

/** Scopes of the token service for reading, and for writing. */
export function pullScope({ repository }: RepositoryPlace): readonly string[] {
  return [`repository:${repository}:pull`];
}

export function pushScope({ repository }: RepositoryPlace): readonly string[] {
  return [`repository:${repository}:pull,push`];
}

export function apiPath({ repository }: RepositoryPlace, rest: string): string {
  return `/v2/${repository}/${rest}`;
}
