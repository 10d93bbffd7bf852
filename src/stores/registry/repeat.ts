/** Sends again what failed in a way that may pass, and says what a user should know while that takes time. */
import type { IncomingHttpHeaders } from 'node:http';
import type { RegistryAnswer } from './answer.ts';
import {
  backoffMs,
  describeRateLimit,
  describeSeconds,
  isTransientError,
  isTransientStatus,
  parseRateLimit,
  type RetryPolicy,
  retryAfterMs,
  wait,
} from './retry.ts';

export interface Patience {
  readonly registry: string;
  readonly retry: RetryPolicy;
  readonly notice: (message: string) => void;
}

/** Shorter waits are nobody's business. */
const NOTICEABLE_MS = 2000;

/** Runs `send` until it gives an answer worth having, or patience ends; then the last answer, or the last error. */
export async function repeated(
  { registry, retry, notice }: Patience,
  isRepeatable: boolean,
  signal: AbortSignal | undefined,
  send: () => Promise<RegistryAnswer>,
): Promise<RegistryAnswer> {
  for (let attempt = 1; ; attempt++) {
    const isLast = !isRepeatable || attempt >= retry.attempts;
    let delayMs = backoffMs(retry, attempt);
    try {
      const answer = await send();
      if (!isTransientStatus(answer.status)) return answer;
      const asked = retryAfterMs(answer.headers, Date.now()) ?? 0;
      if (isLast || asked > retry.maxRetryAfterMs) return answer;
      delayMs = Math.max(delayMs, asked);
      if (delayMs >= NOTICEABLE_MS) notice(describeWait(registry, answer, delayMs));
      answer.body.destroy();
    } catch (error) {
      if (signal?.aborted || isLast || !isTransientError(error)) throw error;
    }
    await wait(delayMs, signal);
  }
}

function describeWait(registry: string, { status, headers }: RegistryAnswer, delayMs: number): string {
  const limit = parseRateLimit(headers);
  const limits = `limits how often it is asked${limit === undefined ? '' : ` (${describeRateLimit(limit)})`}`;
  const why = status === 429 ? limits : `answers ${status}`;
  return `${registry} ${why}; going on in ${describeSeconds(delayMs / 1000)}`;
}

/** Tells when a registry's limit is nearly used up. */
export function tellLimit({ registry, notice }: Patience, headers: IncomingHttpHeaders): void {
  const limit = parseRateLimit(headers);
  if (limit?.remaining === undefined || limit.remaining * 10 > limit.limit) return;
  const { remaining: _, ...steady } = limit;
  notice(`${registry} allows ${describeRateLimit(steady)}, and few of them are left`);
}

/** `tell`, but each sentence only once. */
export function onceEach(tell: ((message: string) => void) | undefined): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (!told.has(message)) tell?.(message);
    told.add(message);
  };
}
