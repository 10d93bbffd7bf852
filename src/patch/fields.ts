/** Fields of the JSON in a patch's header, each checked. Nothing is believed before: a patch may come from anybody. */
import { expandBrotli } from '../codec/expand.ts';
import { corrupt, type DidiffError } from '../errors.ts';
import { parseObject } from '../image/manifest.ts';
import { MAX_HEADER_BYTES } from './format.ts';

const MAX_NAME_LENGTH = 4096;

/** What a header section holds. Throws CORRUPT_INPUT. */
export function readHeaderJson(payload: Uint8Array): Record<string, unknown> {
  const what = 'the patch header';
  return parseObject(expandBrotli(payload, MAX_HEADER_BYTES, what), what, MAX_HEADER_BYTES);
}

/** The features that a header requires: what every reader looks at first. */
export function parseRequires(json: Record<string, unknown>): readonly string[] {
  return array(json['requires'], 'requires', 64).map((name) => string(name, 'requires'));
}

export function invalid(message: string): DidiffError {
  return corrupt(`the patch header is not valid: ${message}`);
}

export function object(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(`${what} is not an object`);
  return value as Record<string, unknown>;
}

export function array(value: unknown, what: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) throw invalid(`${what} is not an array`);
  if (value.length > most) throw invalid(`${what} has ${value.length} entries; at most ${most} are allowed`);
  return value;
}

export function string(value: unknown, what: string): string {
  if (typeof value !== 'string' || value.length > MAX_NAME_LENGTH)
    throw invalid(`${what} is not a string of at most ${MAX_NAME_LENGTH}`);
  return value;
}

export function count(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw invalid(`${what} is ${JSON.stringify(value)}`);
  return value;
}
