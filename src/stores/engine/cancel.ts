/** What an abort surfaces as, wherever in the engine's store it is noticed. */
import { DidiffError } from '../../errors.ts';

/** The error of an aborted signal: CANCELLED, unless the reason is one of didiff's own errors already. */
export function cancellation(signal: AbortSignal): DidiffError {
  const cause: unknown = signal.reason;
  if (cause instanceof DidiffError) return cause;
  return new DidiffError('CANCELLED', 'cancelled before it was done; nothing was changed', { cause });
}

/** Throws it when the signal is aborted. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancellation(signal);
}
