/** An update whose layer of 60 MB and more was compressed by a real producer, made and applied between OCI layouts. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sha256 } from '../../src/bytes/digest.ts';
import { buildImage, type FixtureImage } from '../fixtures/images.ts';
import { writeOciLayout } from '../fixtures/oci-layout.ts';
import { applyTo, makePatch, type Workshop } from '../fixtures/patching.ts';
import { writeLargeTars } from './large-layer.ts';

/** The image's name in layouts, and with `:latest` in engines. */
export const LARGE_NAME = 'large';

export interface LargeImages {
  /** Reference of an OCI layout with an uncompressed layer. */
  readonly base: string;
  /** What producers are given, and the path of its layer's tar. */
  readonly target: FixtureImage;
  readonly targetTar: string;
}

export function makeLargeImages(workshop: Workshop): LargeImages {
  const tars = writeLargeTars(workshop.directory);
  const imageOf = (label: string, path: string) =>
    buildImage({ seed: 1, label, layers: [{ tar: readFileSync(path), compression: 'none' }] });
  const layout = workshop.newPath('base');
  writeOciLayout(layout, [{ image: imageOf('base', tars.base), ref: LARGE_NAME }]);
  return {
    base: `oci:${layout}:${LARGE_NAME}`,
    target: imageOf('target', tars.target),
    targetTar: tars.target,
  };
}

/**
 * Makes the patch to the image in `layout`, applies it, and compares every blob with the producer's. The large layer
 * must come from a recipe without corrections, whose encoder reads like `encoder`.
 */
export async function expectExactUpdate(
  workshop: Workshop,
  images: LargeImages,
  layout: string,
  encoder: RegExp,
): Promise<void> {
  const patch = workshop.newPath('patch');
  const report = await makePatch(workshop, images.base, `oci:${layout}:${LARGE_NAME}`, patch);
  const [{ blob } = {}] = report.layers;
  expect(blob).toMatchObject({ source: 'recipe', correctionsBytes: 0 });
  expect(blob!.encoder).toMatch(encoder);
  expect(blob!.recipeBytes).toBeLessThanOrEqual(60);
  expect(blob!.sizeBytes).toBeGreaterThan(10 << 20);
  expect(report.exactManifest).toBe(true);
  expect(report.patchBytes).toBeLessThan(200_000);
  const result = workshop.newPath('result');
  await applyTo(workshop, patch, images.base, `oci:${result}:${LARGE_NAME}`);
  expect(manifestDigest(result)).toBe(manifestDigest(layout));
  expect(blobDigests(result)).toEqual(blobDigests(layout));
}

function manifestDigest(layout: string): string {
  const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
  const isNamed = (entry: { annotations?: Record<string, string> }) =>
    entry.annotations?.['org.opencontainers.image.ref.name'] === LARGE_NAME;
  return index.manifests.find(isNamed).digest;
}

/** What the layout's files are by content, each of which has its digest as its name. */
function blobDigests(layout: string): readonly string[] {
  const directory = join(layout, 'blobs', 'sha256');
  const names = readdirSync(directory).sort();
  for (const name of names) expect(sha256(readFileSync(join(directory, name)))).toBe(`sha256:${name}`);
  return names;
}

/** Every one takes a good ten seconds; more on a machine that is busy with other things. */
export const TIMEOUT_MS = 600_000;

/** A test that needs programs: skipped where one is not there, but never in CI, where all must be. */
export function testWith(programs: readonly string[], name: string, body: () => void | Promise<void>): void {
  const missing = programs.filter((program) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0);
  if (missing.length === 0) test(name, { timeout: TIMEOUT_MS }, body);
  else if (process.env['CI'])
    test(name, () => {
      throw new Error(`not installed: ${missing.join(', ')}`);
    });
  else test.skip(`${name} (not installed: ${missing.join(', ')})`, body);
}

export function run(program: string, ...args: readonly string[]): void {
  execFileSync(program, args, { stdio: 'pipe' });
}
