/**
 * One try to apply a patch that nobody should trust. Whatever the patch is, the try ends soon, with the exact image or
 * with an error that says what is wrong, and leaves nothing else behind.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect } from 'vitest';
import { toDidiffError } from '../../src/errors.ts';
import type { DidiffError, ErrorCode } from '../../src/index.ts';
import type { FixtureImage } from '../fixtures/images.ts';
import { applyTo, expectImage, type FileForm, type Workshop } from '../fixtures/patching.ts';

/** The only codes that a hostile patch may end with. */
export const REFUSALS: readonly ErrorCode[] = [
  'CORRUPT_INPUT',
  'UNSUPPORTED',
  'BASE_MISMATCH',
  'RESULT_MISMATCH',
  'LIMIT',
  'STORAGE',
];

export interface Target {
  readonly workshop: Workshop;
  /** Reference of the base. */
  readonly base: string;
  readonly image: FixtureImage;
}

/** The error, or undefined when the exact image came out. Fails for anything between. */
export async function attempt(
  { workshop, base, image }: Target,
  patch: Uint8Array,
  form: FileForm = 'docker-archive',
): Promise<DidiffError | undefined> {
  const path = join(workshop.directory, 'attempt', 'result');
  let thrown: unknown;
  try {
    await applyTo(workshop, patch, base, `${form}:${path}`);
  } catch (error) {
    thrown = error;
  }
  expect(readdirSync(workshop.tempDirectory)).toEqual([]);
  if (thrown === undefined) {
    await expectImage(workshop, `${form}:${path}`, image);
    rmSync(path, { recursive: true });
    return undefined;
  }
  expect(existsSync(path)).toBe(false);
  expect(readdirSync(dirname(path))).toEqual([]);
  const error = toDidiffError(thrown);
  if (!REFUSALS.includes(error.code)) throw new Error(`a patch ended with ${error.code}`, { cause: thrown });
  return error;
}

/** As `attempt`, for a patch that must be refused. */
export async function refusal(target: Target, patch: Uint8Array, form?: FileForm): Promise<DidiffError> {
  const error = await attempt(target, patch, form);
  if (error === undefined) throw new Error('the patch was applied; it should have been refused');
  return error;
}
