/**
 * A patch of a registry as a stream. Guards that no byte is handed out before the part it belongs to has its digest; a
 * part that came damaged is fetched once more, by itself.
 */
import { startDigest } from '../bytes/digest.ts';
import { corrupt, DidiffError } from '../errors.ts';
import type { CallOptions } from '../stores/registry/place.ts';
import type { Repository } from '../stores/registry/repository.ts';
import type { PatchArtifact } from './artifact.ts';

const TRIES = 2;

/** The bytes of the patch, a part at a time. Throws CORRUPT_INPUT, also at the end when the whole isn't what it says. */
export async function* readParts(
  repository: Repository,
  artifact: PatchArtifact,
  options: CallOptions,
): AsyncGenerator<Uint8Array> {
  const whole = startDigest();
  for (const part of artifact.parts) {
    const bytes = await readPart(repository, part, options);
    whole.update(bytes);
    yield bytes;
  }
  const found = whole.finish();
  const { digest } = artifact.description.patch;
  if (found === digest) return;
  throw corrupt(
    `the parts of ${repository.name}@${artifact.digest} make a patch ${found}; it says ${digest}`,
  );
}

/** One part, proved. */
export async function readPart(
  repository: Repository,
  part: PatchArtifact['parts'][number],
  options: CallOptions,
): Promise<Uint8Array> {
  for (let tries = 1; ; tries++) {
    try {
      const pieces: Uint8Array[] = [];
      for await (const piece of repository.readBlob(part, options)) pieces.push(piece);
      return Buffer.concat(pieces);
    } catch (error) {
      const isDamaged = error instanceof DidiffError && error.code === 'CORRUPT_INPUT';
      if (!isDamaged || tries >= TRIES) throw error;
    }
  }
}
