import { describe, expect, it } from 'vitest';
import { describeRateLimit, parseRateLimit, retryAfterMs } from './retry.ts';

describe('what a busy registry says', () => {
  const now = Date.parse('2024-01-01T00:00:00Z');

  it.each([
    ['7', 7000],
    [' 0 ', 0],
    ['Mon, 01 Jan 2024 00:00:30 GMT', 30_000],
    ['Sun, 31 Dec 2023 00:00:00 GMT', 0],
    ['soon', undefined],
    ['-1e99', undefined],
  ])('Retry-After: %s', (text, waitMs) => {
    expect(retryAfterMs({ 'retry-after': text }, now)).toBe(waitMs);
  });

  it('of its limits is told in words, and ignored when it can not be understood', () => {
    const limit = parseRateLimit({ 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '7;w=21600' });
    expect(limit).toEqual({ limit: 100, remaining: 7, windowS: 21600 });
    expect(describeRateLimit(limit!)).toBe('100 requests in 6 hours, of which 7 are left');
    expect(parseRateLimit({ 'ratelimit-limit': 'many' })).toBeUndefined();
    expect(parseRateLimit({})).toBeUndefined();
  });
});
