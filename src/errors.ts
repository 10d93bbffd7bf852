/**
 * Every error a user can meet: one class, whose code decides the exit code. Messages say what failed, what is
 * there and what was expected; `hint` says what to do. The exit codes are part of the interface (docs/cli.md).
 */

/** Stable machine-readable codes and the process exit code of each. */
export const EXIT_CODES = {
  INTERNAL: 1,
  USAGE: 2,
  NOT_FOUND: 4,
  UNREACHABLE: 5,
  UNAUTHORISED: 6,
  CORRUPT_INPUT: 7,
  UNSUPPORTED: 8,
  BASE_MISMATCH: 9,
  RESULT_MISMATCH: 10,
  LIMIT: 11,
  STORAGE: 12,
  CANCELLED: 130,
} as const;

export type ErrorCode = keyof typeof EXIT_CODES;

export interface ErrorDetails {
  /** What the user can do about it, as a full sentence. */
  readonly hint?: string;
  /** Values behind the message, for `--json` and for programs. */
  readonly data?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** The only error class that leaves the library on purpose; anything else is a defect of didiff. */
export class DidiffError extends Error {
  override readonly name = 'DidiffError';
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
    this.data = details.data ?? {};
  }

  get exitCode(): number {
    return EXIT_CODES[this.code];
  }
}

/** Input that does not keep to its format: damaged, truncated or hostile. */
export function corrupt(message: string, details?: ErrorDetails): DidiffError {
  return new DidiffError('CORRUPT_INPUT', message, details);
}

/**
 * Turns whatever was thrown into a DidiffError: aborts become CANCELLED, errors of the file system STORAGE or
 * NOT_FOUND, everything else INTERNAL with its cause kept.
 */
export function toDidiffError(thrown: unknown): DidiffError {
  if (thrown instanceof DidiffError) return thrown;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = (error as NodeJS.ErrnoException).code;
  if (error.name === 'AbortError' || code === 'ABORT_ERR') {
    return new DidiffError('CANCELLED', 'cancelled before it was done; nothing was changed', {
      cause: thrown,
    });
  }
  const storage = code === undefined ? undefined : STORAGE_HINTS[code];
  if (storage !== undefined) {
    return new DidiffError(code === 'ENOENT' ? 'NOT_FOUND' : 'STORAGE', error.message, {
      hint: storage,
      cause: thrown,
    });
  }
  return new DidiffError('INTERNAL', `unexpected ${error.name}: ${error.message}`, {
    hint: 'This is a defect of didiff; please report it with the command and DIDIFF_DEBUG=1 output.',
    cause: thrown,
  });
}

const STORAGE_HINTS: Readonly<Record<string, string>> = {
  ENOENT: 'Check the path.',
  ENOSPC: 'Free some space, or name another place with --temp-dir.',
  EDQUOT: 'Free some space, or name another place with --temp-dir.',
  EACCES: 'Check the permissions, or run as a user who may.',
  EPERM: 'Check the permissions, or run as a user who may.',
  EROFS: 'The file system is read-only; name another place.',
  EISDIR: 'A directory stands where a file was expected.',
  ENOTDIR: 'A file stands where a directory was expected.',
  EIO: 'The disk reported an error; check its health.',
  EMFILE: 'Too many open files; raise the limit with `ulimit -n`.',
};
