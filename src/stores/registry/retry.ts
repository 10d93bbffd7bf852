/** When a request is sent again, after how long, and what registries say of their limits (RFC 9110, 10.2.3 and 15.6.4). */
import type { IncomingHttpHeaders } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

export interface RetryPolicy {
  /** How often a request is sent in all, as long as it brings nothing. */
  readonly attempts: number;
  /** The first wait; each next one is twice as long, up to `maxDelayMs`. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** A registry that wants more patience than this is given up. */
  readonly maxRetryAfterMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = {
  attempts: 6,
  baseDelayMs: 500,
  maxDelayMs: 15_000,
  maxRetryAfterMs: 120_000,
};

/** Answers that may be others next time. */
export function isTransientStatus(status: number): boolean {
  return [408, 425, 429, 500, 502, 503, 504].includes(status);
}

const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'EAI_AGAIN',
  'ERR_STREAM_PREMATURE_CLOSE',
  'HPE_INVALID_CHUNK_SIZE',
  'HPE_INVALID_EOF_STATE',
]);

/** Whether a connection failed in a way that another may not. */
export function isTransientError(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException;
  return TRANSIENT_CODES.has(code ?? '') || message === 'aborted' || message === 'terminated';
}

/** What an answer asks to wait; undefined when it says nothing that can be understood. Seconds or a date. */
export function retryAfterMs(headers: IncomingHttpHeaders, nowMs: number): number | undefined {
  const text = headers['retry-after']?.trim();
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - nowMs);
}

/** How long to wait before attempt `next` (1 is the second), some of it by chance: many clients fail at one moment. */
export function backoffMs(policy: RetryPolicy, next: number): number {
  const full = Math.min(policy.baseDelayMs * 2 ** (next - 1), policy.maxDelayMs);
  return full * (0.5 + Math.random() / 2);
}

export async function wait(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await sleep(delayMs, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
    throw signal?.aborted ? signal.reason : error;
  });
}

/** A registry's limit on requests, as `RateLimit-Limit: 100;w=21600` and `RateLimit-Remaining: 7` tell it. */
export interface RateLimit {
  readonly limit: number;
  readonly remaining?: number;
  readonly windowS?: number;
}

export function parseRateLimit(headers: IncomingHttpHeaders): RateLimit | undefined {
  const limit = readLimit(headers['ratelimit-limit'] ?? headers['x-ratelimit-limit']);
  if (limit === undefined) return undefined;
  const remaining = readLimit(headers['ratelimit-remaining'] ?? headers['x-ratelimit-remaining']);
  const windowS = limit.windowS ?? remaining?.windowS;
  return {
    limit: limit.value,
    ...(remaining === undefined ? {} : { remaining: remaining.value }),
    ...(windowS === undefined ? {} : { windowS }),
  };
}

export function describeRateLimit({ limit, remaining, windowS }: RateLimit): string {
  const window = windowS === undefined ? '' : ` in ${describeSeconds(windowS)}`;
  return `${limit} requests${window}${remaining === undefined ? '' : `, of which ${remaining} are left`}`;
}

export function describeSeconds(seconds: number): string {
  if (seconds >= 7200) return `${Math.round(seconds / 3600)} hours`;
  return seconds >= 120 ? `${Math.round(seconds / 60)} minutes` : `${Math.ceil(seconds)} s`;
}

function readLimit(value: string | string[] | undefined): { value: number; windowS?: number } | undefined {
  const hit = /^\s*(\d{1,12})(?:\s*;\s*w=(\d{1,9}))?/.exec(Array.isArray(value) ? value[0]! : (value ?? ''));
  if (hit === null) return undefined;
  return { value: Number(hit[1]), ...(hit[2] === undefined ? {} : { windowS: Number(hit[2]) }) };
}
